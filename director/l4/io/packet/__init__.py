"""Frames in and out.

`raw` is the engine in Python: `ports` of interfaces, each a `ring` over `tpacket` with its `filter`, sending
by `transmit`.  `pending` keeps what waits for a neighbour, `late` what a fault delays, `reinject` gives a
frame back to the host.
"""
