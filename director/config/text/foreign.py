"""Words of other programs' configurations, and what they are called here: hints for who comes from them.

HAProxy, nginx, Envoy and keepalived.  Called where a word is not known: keys by `parse/fields` and `reader`,
schedulers by `parse/schedulers`.  Nothing is taken over in silence: the hint says what to write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SCHEDULERS: Mapping[str, str] = {
    "roundrobin": "wrr", "round_robin": "wrr", "round-robin": "wrr", "static-rr": "wrr", "weighted": "wrr",
    "leastconn": "wlc", "least_conn": "wlc", "least-conn": "wlc", "leastconnections": "wlc",
    "least_connections": "wlc", "least_request": "wlc", "least-request": "wlc", "leastrequest": "wlc",
    "source": "sh", "ip_hash": "sh", "ip-hash": "sh", "iphash": "sh", "client_ip": "sh",
    "uri": "hash(path)", "url": "hash(path)", "url_param": "hash(query NAME)", "hdr": "hash(header NAME)",
    "header": "hash(header NAME)", "cookie": "hash(cookie NAME)", "ring_hash": "hash(client)",
    "consistent": "mh", "consistent_hash": "mh", "maglev": "mh", "rnd": "random", "power_of_two": "p2c",
    "least_time": "least-time", "leasttime": "least-time", "fastest": "least-time", "peak_ewma": "ewma",
    "failover": "fo", "first": "ovf", "overflow": "ovf",
}  # fmt: skip
"""Schedulers of other programs by their names there."""

_KEYS: Mapping[str, str] = {
    "timeout.server": "timeout.response = 30s in [pool:NAME]; for upgraded connections timeout.tunnel",
    "timeout.http-request": "timeout.client = 30s in [l7:NAME]",
    "timeout.http-keep-alive": "timeout.keepalive = 60s in [l7:NAME]",
    "timeout.queue": "queue = 100 for 5s in [pool:NAME]",
    "timeout.check": "timeout = 1s in [check:NAME]",
    "timeout.read": "timeout.response = 30s in [pool:NAME]",
    "timeout.send": "timeout.idle = 60s in [pool:NAME]",
    "proxy_read_timeout": "timeout.response = 30s in [pool:NAME]",
    "proxy_connect_timeout": "timeout.connect = 2s in [pool:NAME]",
    "proxy_send_timeout": "timeout.idle = 60s in [pool:NAME]",
    "keepalive_timeout": "timeout.keepalive = 60s in [l7:NAME]",
    "client_max_body_size": "limit.body = 10m in [l7:NAME]",
    "proxy_next_upstream": "retry = connect, empty; tries 2 in [pool:NAME]",
    "proxy_pass": "pool = NAME in [l7:NAME] or in a rule",
    "proxy_set_header": "set_header = NAME: VALUE in [rule:NUMBER TITLE]",
    "balance": "scheduler = NAME in [pool:NAME]",
    "lb_policy": "scheduler = NAME in [pool:NAME]",
    "lb_algo": "scheduler = NAME in [pool:NAME]",
    "lvs_sched": "scheduler = NAME in [pool:NAME]",
    "lb_kind": "forward = nat, dr or tun in [l4:NAME]",
    "lvs_method": "forward = nat, dr or tun in [l4:NAME]",
    "persistence_timeout": "persistent = 300s in [l4:NAME]",
    "delay_loop": "every = 2s in [check:NAME]",
    "sorry_server": "server.NAME = ADDRESS backup in [pool:NAME], or fault = in [l7:NAME]",
    "virtual_server": "virtual = tcp ADDRESS:PORT in [l4:NAME]",
    "real_server": "server.NAME = ADDRESS in [pool:NAME]",
    "bind": "listen = ADDRESS in [l7:NAME]",
    "server": "server.NAME = ADDRESS in [pool:NAME]",
    "default_backend": "pool = NAME in [l7:NAME]",
    "use_backend": "pool = NAME and when = … in [rule:NUMBER TITLE]",
    "acl": "when = … in [rule:NUMBER TITLE]",
    "http-request": "set_header, redirect or respond in [rule:NUMBER TITLE]",
    "maxconn": "max=N behind a server's address, or max_connections in [l7:NAME]",
    "max_conns": "max=N behind a server's address",
    "option": "the keys of docs/reference/config.md; checks are [check:NAME]",
    "httpchk": "http = GET /healthz in [check:NAME]",
    "stick-table": "persist = cookie NAME insert in [pool:NAME], or a hash scheduler",
    "mode": "protocol = http or tcp in [l7:NAME]",
    "server_name": "when = host = NAME in [rule:NUMBER TITLE]",
    "location": "when = path ^= PATH in [rule:NUMBER TITLE]",
    "upstream": "a section [pool:NAME]",
    "backend": "a section [pool:NAME]",
    "frontend": "a section [l7:NAME]",
}
"""Keys and directives, and what to write."""

_COMMENT = re.compile(r"\s+([#;])(?=\s|\Z)|\s+#")


def key(word: str) -> str:
    """What to write for a key of another program; '' for what is none."""
    name = word.lower().rstrip(";:").replace(" ", ".")
    found = _KEYS.get(name) or _KEYS.get(name.partition(".")[0] if name.startswith("option") else name)
    return f"write {found}" if found else ""


def directive(line: str) -> str:
    """What to write for a line such as `balance roundrobin;`; '' when it is of no program that is known."""
    words = line.strip().rstrip("{;").split()
    if not words:
        return ""
    if words[0] in {"balance", "lb_algo", "lb_policy", "lvs_sched"} and len(words) > 1:
        return f"write scheduler = {scheduler(words[1]) or words[1]} in [pool:NAME]"
    if len(words) == 1 and line.strip().endswith(";") and scheduler(words[0]):
        return f"write scheduler = {scheduler(words[0])} in [pool:NAME]"
    if words[0] == "timeout" and len(words) > 1:
        return key(f"timeout.{words[1]}") or f"write timeout.{words[1]} = TIME"
    return key(words[0])


def scheduler(word: str) -> str:
    """What a scheduler of another program is called here; '' for what is none."""
    return SCHEDULERS.get(word.lower().partition("(")[0], "")


def comment(text: str) -> int | None:
    """Where a comment seems to begin behind a value, or None."""
    found = _COMMENT.search(text)
    return found.end() - 1 if found else None
