"""From the fields of `[check:NAME]` to its value in the model.

Which keys belong to which kind is a table; everything else is said by the parsers of `checks`.
"""

from __future__ import annotations

from collections.abc import Iterator

from director.config.parse.checks import header_name
from director.config.parse.fields import Fields
from director.config.text.messages import BadValue
from director.model.pools import Check, ServerTLS

KINDS = (
    "http", "https", "tcp", "tls", "grpc", "agent", "redis", "postgres", "mysql", "smtp", "script", "dns",
    "udp", "icmp", "exec",
)  # fmt: skip
"""Keys that say what a check does: each check has one."""

_OWN = {
    "host": ("http", "https", "grpc"),
    "tls.verify": ("https", "tls"),
    "tls.ca": ("https", "tls"),
    "tls.name": ("https", "tls"),
    "expect": ("http", "https", "tls", "grpc", "dns", "udp"),
}
"""Keys that make sense for some kinds only."""
_TERMS = {
    "status": ("http", "https"),
    "header": ("http", "https"),
    "body": ("http", "https"),
    "days": ("https", "tls", "grpc"),
    "answer": ("dns", "udp"),
}
"""Words of `expect`, and the kinds that have them."""


def check(fields: Fields) -> Check:
    """`[check:NAME]`."""
    kind = _kind(fields)
    _refuse_strangers(fields, kind)
    method, target = fields.get(kind if kind in {"http", "https"} else "http") or ("GET", "/")
    expected = fields.get("expect")
    first, after = fields.get("first")
    return Check(
        name=fields.name,
        kind=kind,
        method=method,
        target=target,
        host=fields.get("host") or "",
        statuses=expected.statuses,
        terms=expected.terms,
        days=expected.days,
        tls=_tls(fields) if kind in {"https", "tls"} else None,
        headers=tuple(_headers(fields, kind)),
        service=fields.get("grpc") or "",
        every=fields.get("every"),
        timeout=fields.get("timeout"),
        rise=_count(fields, kind, "rise"),
        fall=_count(fields, kind, "fall"),
        port=fields.get("port") or 0,
        address=fields.get("address") or "",
        steps=fields.get("script") or (),
        question=fields.get("dns") or ("", ""),
        payload=fields.get("udp") or b"",
        command=fields.get("exec") or (),
        first=first,
        after=after,
        changing=fields.get("every.changing") or 0.0,
    )


def _kind(fields: Fields) -> str:
    kinds = fields.given(*KINDS)
    if len(kinds) != 1:
        text = f"a check is either {' or '.join(kinds)}" if kinds else "what shall be checked?"
        hint = f"write one of {', '.join(KINDS)}, such as http = GET /healthz, or tcp = connect"
        fields.problem(kinds[1] if kinds else "", text, hint)
    return kinds[0] if kinds else "tcp"


def _refuse_strangers(fields: Fields, kind: str) -> None:
    """Keys, and words of `expect`, that another kind has."""
    for key in fields.given(*_OWN):
        if kind not in _OWN[key]:
            text = f"a {kind} check has no {'request' if key in {'expect', 'host'} else 'TLS of its own'}"
            fields.problem(key, text, f"remove it; it is for {', '.join(_OWN[key])}")
            return
    for word, at in fields.get("expect").about if fields.given("expect") else ():
        if kind not in _TERMS[word]:
            hint = f"remove it; {word} is for {', '.join(_TERMS[word])}"
            fields.problem("expect", f"the answer of a {kind} check has no {word}", hint, at)


def _count(fields: Fields, kind: str, key: str) -> int:
    """An agent is believed at once, as by HAProxy, unless it is written."""
    count: int = fields.get(key)
    return 1 if kind == "agent" and not fields.given(key) else count


def _tls(fields: Fields) -> ServerTLS:
    return ServerTLS(fields.get("tls.verify"), fields.get("tls.ca") or "", fields.get("tls.name") or "")


def _headers(fields: Fields, kind: str) -> Iterator[tuple[str, str]]:
    """Further fields of the request, in the order of their lines."""
    for key, value in fields.values.items():
        if not key.startswith("header."):
            continue
        if kind not in {"http", "https"}:
            fields.problem(key, f"a {kind} check has no header", "remove it; it is for http, https")
            return
        try:
            yield header_name(key.removeprefix("header.")), str(value)
        except BadValue as bad:
            fields.problem(key, bad.message, bad.hint)
