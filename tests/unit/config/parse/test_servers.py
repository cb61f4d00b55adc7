from __future__ import annotations

from collections.abc import Callable

import pytest

from director.config.parse import servers
from director.config.text.messages import BadValue
from director.config.text.reader import Piece, Value
from director.model.pools import Address, CookiePersistence, Forward, Queue, Retry, Server, Tunnel


def value(text: str) -> Value:
    return Value(text, text, "etc/a.ini", (Piece(0, 1, 1, text),))


def test_servers() -> None:
    assert servers.server(value("10.0.0.1:80")) == Server("", Address("10.0.0.1", 80))
    text = "unix:x.sock weight=0 max=200 min=50 backup forward=dr tunnel=gue:6080,csum"
    assert servers.server(value(text)) == Server(
        "",
        Address(path="etc/x.sock"),
        0,
        200,
        50,
        Forward.DR,
        backup=True,
        tunnel=Tunnel("gue", 6080, "csum"),
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", 0),
        ("h:80 weigth=2", 5),
        ("h:80 weight=x", 12),
        ("h:80 weight=1 weight=2", 14),
        ("h:80 backup=yes", 5),
        ("h:80 min=3", 5),
        ("h:80 forward=x", 13),
        ("h:80 tunnel=gue", 12),
        ("h:80 tunnel=ipip:1", 16),
        ("h:80 tunnel=gre,remcsum", 16),
        ("h:80 tunnel=ipip,csum", 17),
        ("h:80 tunnel=gre,x", 16),
        ("h:80 weight", 5),
    ],
)
def test_mistakes_of_servers(text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        servers.server(value(text))
    assert caught.value.start == start
    assert caught.value.hint or "write" in caught.value.message


def test_tunnels() -> None:
    assert servers.tunnel("ipip") == Tunnel("ipip")
    assert servers.tunnel("gre,nocsum") == Tunnel("gre")
    assert servers.tunnel("gue:6080,remcsum") == Tunnel("gue", 6080, "remcsum")


def test_persistence() -> None:
    assert servers.persistence("cookie D insert") == CookiePersistence("D")
    assert servers.persistence("cookie D insert follow secure") == CookiePersistence(
        "D", secure=True, follow=True
    )
    assert servers.persistence("cookie D insert httponly secure samesite=none") == CookiePersistence(
        "D", httponly=True, secure=True, samesite="none"
    )


def test_retries_and_queues() -> None:
    assert servers.retry("connect, empty, timeout, 503; tries 3") == Retry(
        frozenset({"connect", "empty", "timeout"}), frozenset({503}), 3
    )
    assert servers.retry("off") == Retry(frozenset(), frozenset(), 0)
    assert servers.queue("100 for 5s") == Queue(100, 5.0)
    assert servers.queue("off") == Queue(0)


@pytest.mark.parametrize(
    ("parser", "text", "start"),
    [
        (servers.persistence, "source", 0),
        (servers.persistence, "cookie", 0),
        (servers.persistence, "cookie D", 7),
        (servers.persistence, "cookie D rewrite", 9),
        (servers.persistence, "cookie D=1 insert", 7),
        (servers.persistence, "cookie D insert nosuch", 16),
        (servers.persistence, "cookie D insert samesite=x", 25),
        (servers.persistence, "cookie D insert samesite=none", 16),
        (servers.retry, "connct", 0),
        (servers.retry, "connect, 200", 9),
        (servers.retry, "connect; 2", 8),
        (servers.retry, "connect; tries 99", 15),
        (servers.retry, "; tries 2", 0),
        (servers.queue, "100", 3),
        (servers.queue, "100 for 5", 8),
        (servers.queue, "100 5s", 0),
    ],
)
def test_mistakes(parser: Callable[[str], object], text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        parser(text)
    assert caught.value.start == start
    assert caught.value.hint or "write" in caught.value.message
