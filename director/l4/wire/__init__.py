"""Headers as they stand in a frame: read, check, rewrite, build.  Nothing here decides.

`parse` makes a `packet` of a frame by `ethernet`, `ipv4`, `ipv6` and `transport`, whose numbers are in
`protocols`; `ends` looks at a packet inside another one.  `integrity` judges a packet's checksum, `checksum`
has the sums.  `tunnels` and `encapsulation` make outer headers, `arp` its messages.  `offload` is what a
packet socket says beside a frame, `segment` cuts super-frames and datagrams.
"""
