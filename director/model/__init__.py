"""The values the director works with: what an operator can say, once, in one place.

Everything here is configuration: frozen, comparable, hashable, validated when it is made, and free of
running state; what lives and changes is in `registry`.  `pools` are pools, their servers and checks, `http`
services and rules of layer 7 with their `conditions`, `virtual` services of layer 4, `tls` certificates and
what listeners serve, `drills` faults that are injected on purpose, `synced` connections as directors tell
each other of them, `settings` the program itself and the whole.
"""
