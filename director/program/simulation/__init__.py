"""The whole director under a clock of its own and an in-memory network: `director drill fuzz`.

A run: `schedule` is what shall happen, drawn from a seed by `drawing`; `run` plays it on a `loop`, whose
`sockets` are connected by a `network` (by a Twisted `transport` for probes, by `splicing` for what the kernel
would move).  On it stand the program's own parts (`stage`), over a `likeness` of the configuration; played
`servers` and `clients`, who speak HTTP in `messages` or, as `streams`, HTTP/2; and an operator with `orders`.
Afterwards `promises` are held against what was seen, as far as they are `due`, which depends on the `routes`
of requests.  `fuzzing` does so for many seeds, and `shrinking` makes a failing schedule small.
"""
