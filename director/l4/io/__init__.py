"""The shell of layer 4: packet rings, netlink, and the capture of virtual addresses.

`director` ties the rest together: `ring` hands frames to the forwarder and sends what its
verdicts say, `netlink` answers routes and neighbours, `install` takes packets away from
the host's own stack while the director runs.  The pure parts beside them (`filter`,
`plan`, `rules`, `rtnetlink`, `hold`, `offload`) open nothing and are tested on values.
"""
