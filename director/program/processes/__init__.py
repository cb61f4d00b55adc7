"""Several processes as one program: a control process and those that it starts.

`channel` is how two of them talk.  The other side: `follower` is what all that are started have in common,
`worker` the program of one that serves layer 7, with `sightings` what it sees of servers, `layer4_program`
that of layer 4, `relay` their log, `orphan` what one is when nobody controls it any more, and `bequest` how
open descriptors are left to who comes next.  `snapshot` is all that one must know.  This side: `crew` is the
part of the control process that starts, feeds and watches processes of one kind, `process` one of them as it
sees it, `how_many` there are; `workers` and `layer4_apart` are the kinds, and `adoption` goes on with those
that an earlier control process left.  `sockets` are the listening sockets that it opens for all, `counts` the
memory that claims are counted in, `figures` what they count and how it is summed up, `collector` asks for it.
"""
