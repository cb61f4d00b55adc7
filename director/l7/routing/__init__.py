"""Where a request belongs, as pure functions of one generation.

`service` is a compiled service, `rules` find the first that claims a request by its `facts`, `affinity`
keeps a client with its server, `forwarded` says who asks, `templates` fill in what rules write, `fault_path`
is what comes when servers fail, `explain` tells all of it about a request that nobody sent.
"""
