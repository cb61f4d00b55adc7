"""Things of a configuration as sets of keys, for what writes them: any subset of these keys is a good thing.

Each key has values that an operator would write; what must stand together is one choice.
"""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import strategies as st

from director.config import objects
from director.config.schema.l4 import L4_SETTINGS
from director.model.virtual import L4Settings

Keys = dict[str, str]
OF_LAYER_4 = {one.name for one in attrs.fields(L4Settings)}

CHOICES: dict[str, tuple[Keys, ...]] = {
    "pool": (
        {"scheduler": "sh port fallback"}, {"scheduler": "hash(cookie sid) else wlc"}, {"check": "alive"},
        {"check": "2 of alive, deep, disk"}, {"check": "any alive, deep"},
        {"eject": "5xx, connect; after 7; for 1m30s; max 12.5%"}, {"eject": "latency"}, {"panic": "30%"},
        {"slow_start": "90s"}, {"persist": "cookie D insert follow httponly secure samesite=none"},
        {"retry": "timeout, 503, 502; tries 3"}, {"retry": "off"}, {"queue": "100 for 500ms"},
        {"idle_connections": "0"}, {"on_down": "close"}, {"timeout.connect": "1.5s"},
        {"timeout.response": "2m"}, {"timeout.idle": "10ms"}, {"timeout.tunnel": "12h"}, {"protocol": "h2"},
        {"tls": "on"}, {"tls": "on", "tls.verify": "no", "tls.name": "in.example", "tls.ca": "/ca.pem"},
        {"tls": "on", "tls.cert": "shop"}, {"send_proxy": "v2"}, {"server.e": "s.example:1 forward=dr"},
        {"server.b": "[2001:db8::1]:8080 weight=0 max=9 min=3 backup"}, {"server.c": "unix:/run/c.sock"},
        {"server.d": "10.0.0.2:0 forward=tun tunnel=gue:6080,remcsum"}, {"server.a": "10.0.0.1:80"},
        {"server.f": "tcp:h.example:80 weight=7 tunnel=gre,csum"},
    ),
    "l7": (
        {"listen": ":80, [::1]:81"}, {"listen": "unix:/run/w.sock"}, {"pool": "web"},
        {"fault": "active, local 127.0.0.1:8099, local unix:/s, pool web, page sorry"},
        {"fault_on": "no_server, connect"}, {"timeout.client": "7s"}, {"timeout.keepalive": "1500ms"},
        {"forwarded": "forwarded"}, {"trust": "10.0.0.0/8, 2001:db8::/32"}, {"switch": "connection"},
        {"proxy_protocol": "from 10.0.0.0/8, 192.0.2.1"}, {"start": "no"}, {"h2": "off"}, {"h2c": "prior"},
        {"protocol": "tcp"},
        {"ktcpvs": "startservers 1, minspareservers 2, maxspareservers 3"}, {"max_connections": "9"},
        {"limit.line": "8k", "limit.body": "10m"}, {"limit.header": "64k", "limit.fields": "100"},
        {"listen": ":80, :443 tls", "tls": "shop, wild", "tls.profile": "modern"},
        {"listen": ":443", "tls": "acme a.example b.example, shop", "hsts": "180d"},
        {"listen": ":443", "tls": "shop", "tls.client": "required", "tls.client_ca": "/c.pem",
         "tls.crl": "/r.pem", "client_cert": "rfc9440"},
    ),
    "l4": (
        {"virtual": "udp [2001:db8::53]:53"}, {"virtual": "fwmark 7 inet6"}, {"virtual": "sctp 192.0.2.1:9"},
        {"virtual": "tcp 192.0.2.1:0", "persistent": "300s"}, {"pool": "other"}, {"forward": "dr"},
        {"scheduler": "mh port"}, {"persistent": "6m", "netmask": "24"},
        {"virtual": "udp 192.0.2.53:53", "ops": "yes"}, {"virtual": "udp 192.0.2.1:5060", "pe": "sip"},
    ),
    "l4-settings": (
        *(
            {key.name: key.example}
            for key in L4_SETTINGS.keys
            if key.name.replace(".", "_") in OF_LAYER_4
        ),
        {"conn_tab_bits": "20"}, {"timeout.tcpfin": "1s500ms"}, {"sync.backup": "eth1"},
        {"mark.7": "tcp 192.0.2.0/28:80-90, ip 2001:db8::/64"}, {"mark.1": "udp [2001:db8::1]/128:53"},
    ),
    "rule": (
        {"when": 'host in a.example *.b.example and not (path ^= /x or cookie sid = "a b")'},
        {"when": "path ~ ^/users/([^/]+)/", "hash": "path.1", "rewrite_path": "/v2/$1"},
        {"when": "client in 10.0.0.0/8"}, {"del_header": "X-C, X-D"}, {"pool": "web"},
        {"set_header": "X-A: 1\nX-B: two words"},
        {"add_header": "X-E:"}, {"hash": "header x-tenant"}, {"respond": "403 Not from here."},
        {"respond": "204"}, {"redirect": "301 https://example.org/$${x}"},
    ),
}  # fmt: skip
BASE: dict[str, Keys] = {
    "pool": {}, "l7": {"listen": ":8080"}, "l4": {"virtual": "tcp 192.0.2.1:80", "pool": "web"},
    "l4-settings": {}, "rule": {"service": "www"},
}  # fmt: skip
HTTP_ONLY = ("switch", "forwarded", "trust", "client_cert", "hsts", "h2", "h2c")
ACTIONS = ("pool", "redirect", "respond")


@st.composite
def keys(draw: st.DrawFn, kind: str) -> Keys:
    """The keys of one good thing of a kind."""
    found = dict(BASE[kind])
    for choice in draw(st.lists(st.sampled_from(CHOICES[kind]), max_size=6)):
        found |= choice
    if kind == "rule":
        given = [key for key in ACTIONS if key in found]
        for key in given[1:]:
            del found[key]
        if not given:
            found["respond"] = "404"
        if "$" in found.get("redirect", ""):
            found["redirect"] = "302 /else"
    if "udp" not in found.get("virtual", ""):
        found.pop("ops", None)
        found.pop("pe", None)
    if "path ~" not in found.get("when", ""):
        found = {key: text for key, text in found.items() if "path.1" not in text and "$1" not in text}
    if found.get("protocol") == "tcp":
        found = {key: text for key, text in found.items() if key not in HTTP_ONLY}
    if found.get("switch") == "connection":
        found.pop("h2", None)
    return found


def thing(kind: str, name: str = "web") -> st.SearchStrategy[Any]:
    """Any good thing of a kind."""
    named = f"100 {name}" if kind == "rule" else "" if kind == "l4-settings" else name
    return keys(kind).map(lambda found: objects.made(kind, named, found))
