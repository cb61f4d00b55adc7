"""Layer 7: the content switch.

`http` reads and writes messages, `http2` frames, `routing` says where a request belongs, `proxy` serves a
client's connection and its exchanges without I/O, `prologue` reads what comes before a protocol, and the
shell in `io` carries the commands out on sockets.
"""
