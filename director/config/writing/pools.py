"""A pool and its servers as the keys of `[pool:NAME]`."""

from __future__ import annotations

from collections.abc import Iterator

from director.config.writing.numbers import duration, share
from director.model.pools import CookiePersistence, Eject, Pool, Queue, Retry, Server, ServerTLS, Tunnel


def keys(pool: Pool) -> Iterator[tuple[str, str]]:
    """Every key and its text; "" for what has no line."""
    for one in pool.servers:
        yield f"server.{one.name}", server(one)
    yield "scheduler", str(pool.scheduler)
    yield "check", _checks(pool.checks, pool.needed)
    yield "eject", _eject(pool.eject)
    yield "panic", share(pool.panic) if pool.panic else "off"
    yield "slow_start", duration(pool.slow_start)
    yield "persist", _persistence(pool.persist)
    yield "retry", _retry(pool.retry)
    yield "queue", _queue(pool.queue)
    yield "idle_connections", str(pool.idle_connections)
    yield "on_down", pool.on_down.value
    for name in ("connect", "response", "idle", "tunnel"):
        yield f"timeout.{name}", duration(getattr(pool.timeouts, name))
    yield "protocol", pool.protocol
    yield from _tls(pool.tls)
    yield "send_proxy", pool.send_proxy


def server(one: Server) -> str:
    """What stands behind `server.NAME =`."""
    words = [str(one.address)]
    words += [f"weight={one.weight}"] if one.weight != 1 else []
    words += [f"max={one.max}"] if one.max else []
    words += [f"min={one.min}"] if one.min else []
    words += ["backup"] if one.backup else []
    words += [f"forward={one.forward.value}"] if one.forward is not None else []
    words += [f"tunnel={tunnel(one.tunnel)}"] if one.tunnel != Tunnel() else []
    return " ".join(words)


def tunnel(found: Tunnel) -> str:
    """`ipip`, `gre,csum`, `gue:6080`."""
    port = f":{found.port}" if found.port else ""
    return f"{found.kind}{port}" + ("" if found.checksum == "none" else f",{found.checksum}")


def _checks(names: tuple[str, ...], needed: int) -> str:
    text = ", ".join(names)
    if not needed:
        return text
    return f"any {text}" if needed == 1 else f"{needed} of {text}"


def _eject(found: Eject | None) -> str:
    if found is None:
        return "off"
    causes = ", ".join(sorted(found.causes))
    return f"{causes}; after {found.after}; for {duration(found.seconds)}; max {share(found.most)}"


def _persistence(found: CookiePersistence | None) -> str:
    if found is None:
        return ""
    flags = [word for word in ("follow", "httponly", "secure") if getattr(found, word)]
    flags += [f"samesite={found.samesite}"] if found.samesite else []
    return " ".join(("cookie", found.name, "insert", *flags))


def _retry(found: Retry) -> str:
    causes = [*sorted(found.on), *map(str, sorted(found.statuses))]
    return f"{', '.join(causes)}; tries {found.tries}" if causes else "off"


def _queue(found: Queue) -> str:
    return f"{found.length} for {duration(found.timeout)}" if found != Queue() else "off"


def _tls(found: ServerTLS | None) -> Iterator[tuple[str, str]]:
    yield "tls", "off" if found is None else "on"
    if found is not None:
        yield "tls.verify", "yes" if found.verify else "no"
        yield "tls.ca", found.ca
        yield "tls.name", found.name
        yield "tls.cert", found.certificate
