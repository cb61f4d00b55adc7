"""Several processes as one program: a control process and those that it starts.

`channel` is how two of them talk; `worker` is the program of one that serves, `relay` its log, `sightings`
what it sees of servers, `orphan` what it is when nobody controls it any more.  `workers` is the part of the
control process that starts, feeds and watches them, `process` one of them as it sees it; `sockets` are the
listening sockets that it opens for all, `figures` what they count and how it is summed up, `collector` asks
them for it.
"""
