"""Headers as they stand in a frame: read, check, rewrite, build.  Nothing here decides.

`packet` finds the parts of a frame: `ethernet`, `arp`, `ipv4`, `ipv6`, `transport`, `tunnels`, all with a
`checksum`.  `offload` is what a packet socket says beside a frame, `segment` cuts super-frames and datagrams.
"""
