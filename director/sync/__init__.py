"""Connection synchronisation: what directors tell each other of their flows (`lvs-semantics` J).

The pure room.  `message` tells the two formats apart and takes datagrams in, `version1` and `version0` are
their octets, `policy` says which packets of a flow are a reason to tell of it, `outbox` gathers records into
messages.  What a flow tells and what becomes of what is told is layer 4's (`l4.synced`); sockets and times
are `io`'s.
"""
