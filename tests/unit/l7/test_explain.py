"""What would be decided, without sending: the same words as the trace of a real request."""

from __future__ import annotations

from typing import Any

import pytest

from director.conditions import Term
from director.errors import MessageError
from director.l7.explain import explain, synthetic_head
from director.l7.trace import as_dict
from director.model import CookiePersistence, Rule
from director.selection import Lease, select
from tests.support.playbook import World, pool
from tests.unit.registries import KEY, FirstFit

GET = "GET /images/a HTTP/1.1|Host: h||"


def asked(world: World, target: str = "/", headers: tuple[tuple[str, str], ...] = ()) -> dict[str, object]:
    head = synthetic_head(world.site, "GET", target, "h", headers)
    return explain(world.site, head, "192.0.2.7", 0.0)


def ruled(**action: Any) -> World:
    when = Term("path", "", "^=", ("/images/",))
    return World(pool("web", "a b"), pool("images", "i"), rules=(Rule(7, "images", "www", when, **action),))


def test_it_says_what_the_trace_of_a_real_request_says() -> None:
    world = ruled(pool="images")
    told = asked(world, "/images/a")
    world.play(f"""
        client {GET}
          open images/i
        new
          to-server {GET}
        server HTTP/1.1 200 OK|Content-Length: 0||
          to-client HTTP/1.1 200 OK|Content-Length: 0||
          keep-server
    """)
    real = as_dict(world.records[0], 0.0)
    same = [
        "service",
        "client",
        "method",
        "target",
        "host",
        "rule",
        "pool",
        "server",
        "scheduler",
        "candidates",
    ]
    assert {key: told[key] for key in same} == {key: real[key] for key in same}
    assert real.keys() <= told.keys()


def test_both_schedulers_of_an_else_say_something(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [("a", "hash: nothing"), ("b", "hash: nothing"), ("a", "lc: load 0")]
    monkeypatch.setattr(FirstFit, "explain", lambda *_: said, raising=False)
    told = asked(World(pool("web", "a b")))
    assert told["scores"] == {"a": "hash: nothing; lc: load 0", "b": "hash: nothing"}


def test_nothing_is_claimed_or_counted() -> None:
    world = ruled(pool="images")
    asked(world, "/images/a")
    asked(world)
    assert world.leases == 0
    assert all(server.requests.requests == 0 for server in world.registry.servers())
    assert world.site.live.requests.requests == 0
    assert world.records == []


def test_a_redirect_and_a_fixed_answer_are_told() -> None:
    told = asked(ruled(redirect=(302, "/new${path}")), "/images/x")
    assert (told["status"], told["outcome"], told["location"]) == (302, "redirect", "/new/images/x")
    told = asked(ruled(respond=(403, "no")), "/images/x")
    assert (told["status"], told["outcome"]) == (403, "respond")


def test_it_says_why_nothing_can_be_chosen() -> None:
    world = World(pool("web", "a"))
    world.down("a")
    assert asked(world)["fault"] == "no_server: every server is down or in maintenance"


def test_a_cookie_decides_while_its_server_is_there() -> None:
    world = World(pool("web", "a b", persist=CookiePersistence("D")))
    lease = select(world.registry, world.registry.pools["web"], "l7:www", KEY, 0.0)
    assert isinstance(lease, Lease)
    lease.release()
    from director.l7.affinity import token

    told = asked(world, headers=(("Cookie", f"D={token('web', 'b')}"),))
    assert (told["server"], told["sticky"], told["scheduler"]) == ("b", True, "sticky")


def test_what_a_client_would_be_refused_for_is_refused_here() -> None:
    world = World(pool("web", "a"))
    with pytest.raises(MessageError):
        asked(world, "/a b")
    with pytest.raises(MessageError):
        asked(world, "/../../etc/passwd")
    with pytest.raises(MessageError):
        asked(world, headers=(("X", "a\r\nHost: evil"),))
