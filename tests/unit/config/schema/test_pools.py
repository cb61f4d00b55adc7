"""Defaults and examples of all tables are tried in test_tables; parsers have tests of their own."""

from __future__ import annotations

from director.config.schema.pools import CHECK, POOL


def test_the_keys_of_the_design_are_there() -> None:
    pool = {key.name for key in POOL.keys}
    assert {"scheduler", "server.NAME", "check", "persist", "retry", "queue", "idle_connections"} <= pool
    assert {f"timeout.{word}" for word in ("connect", "response", "idle", "tunnel")} <= pool
    assert {key.name for key in CHECK.keys} == {
        "http",
        "https",
        "tcp",
        "tls",
        "tls.verify",
        "tls.ca",
        "tls.name",
        "grpc",
        "agent",
        "address",
        "header.NAME",
        "redis",
        "postgres",
        "mysql",
        "smtp",
        "script",
        "dns",
        "udp",
        "exec",
        "icmp",
        "port",
        "expect",
        "host",
        "every",
        "every.changing",
        "first",
        "timeout",
        "rise",
        "fall",
    }
