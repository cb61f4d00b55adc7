"""The whole director under a clock of its own and an in-memory network: `director drill fuzz`.

A run: `schedule` is what shall happen, drawn from a seed by `drawing`; `run` plays it on a `loop`, whose
`sockets` are connected by a `network` (and by a Twisted `transport`, for probes).  On it stand the program's
own parts (`stage`), over a `likeness` of the configuration; played `clients` and `servers`, who speak HTTP in
`messages`; and an operator with `orders`.  Afterwards `promises` are held against what was seen, as far as
they are `due`, which depends on the `routes` of requests.  `fuzzing` does so for many seeds, and `shrinking`
makes a failing schedule small.
"""
