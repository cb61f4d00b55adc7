"""Defaults and examples of all tables are tried in test_tables; parsers have tests of their own."""

from __future__ import annotations

from director.config.schema.l7 import L7, RULE
from director.config.schema.tls import LISTENER_KEYS


def test_the_keys_of_the_design_are_there() -> None:
    assert {key.name for key in L7.keys} == {
        "listen",
        "protocol",
        "pool",
        "switch",
        "fault",
        "fault_on",
        "timeout.client",
        "timeout.keepalive",
        "forwarded",
        "trust",
        "proxy_protocol",
        *(key.name for key in LISTENER_KEYS),
        "start",
        "ktcpvs",
        "max_connections",
        "limit.line",
        "limit.header",
        "limit.fields",
        "limit.body",
    }
    assert {key.name for key in RULE.keys} == {
        "service",
        "when",
        "pool",
        "redirect",
        "respond",
        "hash",
        "set_header",
        "add_header",
        "del_header",
        "rewrite_path",
    }
