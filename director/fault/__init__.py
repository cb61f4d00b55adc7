"""Faults that are injected on purpose, and drills that rehearse with them.

Faults: `choice` says which requests are hit, `packets` which packets of a flow, `delays` how long one is held
up, `injections` holds what runs and lays it on the servers of the registry, `shaping` says what becomes of
the octets of an answer, `probing` of a health check.  Drills: `timeline` says what is due when, `samples` are
what was seen, `judging` holds expectations against it, and `sheet` is what comes of it: an object, and text;
`junit` and `picture` print it for others.
"""
