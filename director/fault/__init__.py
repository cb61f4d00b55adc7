"""Faults that are injected on purpose, and drills that rehearse with them.

`choice` says which requests are hit, `injections` holds what runs and lays it on the servers of the registry,
`shaping` says what becomes of the octets of an answer, `probing` of a health check.
"""
