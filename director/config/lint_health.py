"""What is surely not meant in checks and in what pools make of health; all of it is a warning.

Called by `lint`.
"""

from __future__ import annotations

from director.config.parse.fields import Fields
from director.config.references import Kinds
from director.config.text.messages import WARNING


def warn(kinds: Kinds) -> None:
    """Report all warnings."""
    for fields in kinds["pool"].values():
        _pool(fields)
        _clear(fields, kinds)
    for fields in kinds["check"].values():
        _check(fields)


def _pool(pool: Fields) -> None:
    judged = pool.given("check") or pool.get("eject")
    if pool.get("panic") and not judged:
        hint = "add check = or eject =, or remove it"
        pool.problem("panic", "nobody judges these servers, so none is ever ill", hint, severity=WARNING)
    servers = [key for key in pool.section.items if key.startswith("server.")]
    eject = pool.get("eject")
    if eject is None or not servers:
        return
    if eject.most * len(servers) < 1:
        text = f"{eject.most:.0%} of {len(servers)} server(s) is less than one: none is ever ejected"
        pool.problem("eject", text, "raise max, or remove it", severity=WARNING)
    elif eject.causes & {"rate", "latency"} and len(servers) == 1:
        text = "a single server cannot be compared with others"
        pool.problem("eject", text, "remove rate and latency", severity=WARNING)


def _clear(pool: Fields, kinds: Kinds) -> None:
    """Servers that are met by TLS, and a check that asks them in clear text."""
    chosen = pool.get("check")
    for name in chosen.names if chosen and pool.get("tls") else ():
        check = kinds["check"].get(name)
        if check is not None and check.given("http") and not check.given("port"):
            text = f"the check {name} asks in clear text, and these servers are met by TLS"
            pool.problem("check", text, "write https = in place of http =, or another port", severity=WARNING)


def _check(check: Fields) -> None:
    often, seldom = check.get("every.changing"), check.get("every")
    if often and seldom and often > seldom:
        text = "a verdict that is about to change would be looked at less often"
        check.problem("every.changing", text, "make it shorter than every", severity=WARNING)
