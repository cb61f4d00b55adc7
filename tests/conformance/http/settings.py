"""Configurations for the conformance runs, in the grammar of the product; `{origin}` is the recording origin."""

from __future__ import annotations

PLAIN = """
[director]
name = conformance
state_dir = {{state}}

[admin]
listen = 127.0.0.1:{{admin}}

[pool:origin]
server.a = {origin}
timeout.connect = 1s
timeout.response = 1s
timeout.idle = 1s

[l7:www]
listen = 127.0.0.1:{{listen}}
pool = origin
timeout.client = 2s
timeout.keepalive = 5s
"""
LIMITS = PLAIN + "limit.body = 1m\n"
DENIED = (
    PLAIN
    + """
[rule:100 denied]
service = www
when = path ^= /denied/
respond = 403 no
"""
)
