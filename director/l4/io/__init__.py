"""The shell of layer 4: packet rings, netlink, and the capture of virtual addresses.

`director` ties the rest together and keeps in `troubles` what is wrong.  Frames: `ports` of interfaces,
each a `ring` over `tpacket` with its `filter`, sending by `transmit`; `hold` keeps what waits for a
neighbour, `arp` asks for one, `inject` gives a frame back to the host.  The kernel's view: `netlink` speaks
`rtnetlink`, `kernel` remembers.  Capture: `plan` (what to take), `rules` (as nftables text), `install` by
`nft`, kept right by `capture` with `nftwatch`; `probe` says what this process lacks.  `filter`, `plan`,
`rules`, `rtnetlink`, `hold` and `troubles` open nothing.
"""
