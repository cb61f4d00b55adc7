"""Layer 4: the director on raw sockets (`lvs-semantics` B to H).

The pure room: packets in, verdicts out.  The shell that owns rings, netlink and the
capture of virtual addresses is `director.l4.io`.
"""
