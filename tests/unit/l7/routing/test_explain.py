"""What would be decided, without sending: the same words as the trace of a real request."""

from __future__ import annotations

from typing import Any

import pytest

from director.errors import MessageError
from director.l7.proxy.trace import as_dict
from director.l7.routing.explain import explain, synthetic_head
from director.model.conditions import Term
from director.model.http import FaultStep, Page, Rule
from director.model.pools import Address, CookiePersistence, Queue
from director.registry.ledger import Lease
from director.registry.selection import select
from tests.support.playbook import World, pool
from tests.support.registries import KEY, FirstFit

LOCAL = FaultStep("local", address=Address("127.0.0.1", 8099))
GET = "GET /images/a HTTP/1.1|Host: h||"


def asked(world: World, target: str = "/", headers: tuple[tuple[str, str], ...] = ()) -> dict[str, object]:
    head = synthetic_head(world.service, "GET", target, "h", headers)
    return explain(world.service, head, "192.0.2.7", 0.0)


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
    assert world.service.live.requests.requests == 0
    assert world.records == []


def test_a_redirect_and_a_fixed_answer_are_told() -> None:
    told = asked(ruled(redirect=(302, "/new${path}")), "/images/x")
    assert (told["status"], told["outcome"], told["location"]) == (302, "redirect", "/new/images/x")
    told = asked(ruled(respond=(403, "no")), "/images/x")
    assert (told["status"], told["outcome"]) == (403, "respond")


WHY = "no_server: every server is down or in maintenance"


@pytest.mark.parametrize(
    ("steps", "down", "expected"),
    [
        ((), "", ("built-in page", "", 503)),
        ((FaultStep("page", "sorry"),), "", ("page sorry", "", 599)),
        ((FaultStep("pool", "spare"), FaultStep("page", "sorry")), "", ("pool spare", "s", 0)),
        ((FaultStep("pool", "spare"), FaultStep("page", "sorry")), "s", ("page sorry", "", 599)),
        ((FaultStep("active"), LOCAL), "", ("active i", "i", 0)),
        ((FaultStep("active"), LOCAL), "i", ("local 127.0.0.1:8099", "127.0.0.1:8099", 0)),
    ],
)
def test_a_pool_without_servers_leads_to_the_step_that_a_real_request_takes(
    steps: tuple[FaultStep, ...], down: str, expected: tuple[str, str, int]
) -> None:
    rules = (Rule(7, "images", "www", Term("path", "", "^=", ("/images/",)), pool="images"),)
    pools = (pool("web", "a"), pool("images", "i"), pool("spare", "s"))
    world = World(*pools, rules=rules, pages=(Page("sorry", b"", status=599),), fault=steps)
    world.down("a")
    for name in down:
        world.down(name, pool={"i": "images", "s": "spare"}[name])
    told = asked(world)
    assert (told["fault"], told["server"], told["status"]) == expected
    assert told["tries"] == [("pool web", WHY)]
    said = world.tell("client GET / HTTP/1.1|Host: h||")
    if said[0].startswith("open "):
        world.tell("new")
        world.tell("server HTTP/1.1 200 OK|Content-Length: 0||")
    real = as_dict(world.records[0], 0.0)
    assert [told[key] for key in ("fault", "server", "pool")] == [
        real[key] for key in ("fault", "server", "pool")
    ]


def test_a_full_pool_with_a_line_says_how_long_one_would_wait() -> None:
    world = World(pool("web", "a*", queue=Queue(1, 5.0)))
    world.tell("client GET / HTTP/1.1|Host: h||")
    why = "no_server: every live server is at its max"
    assert asked(world)["tries"] == [("pool web", f"{why}; it would wait for 5 s at most")]
    world.call()
    assert world.tell("client GET / HTTP/1.1|Host: h||") == ["wait web"]
    assert asked(world)["tries"] == [("pool web", why)]


def test_a_cookie_decides_while_its_server_is_there() -> None:
    world = World(pool("web", "a b", persist=CookiePersistence("D")))
    lease = select(world.registry, world.registry.pools["web"], "l7:www", KEY, 0.0)
    assert isinstance(lease, Lease)
    lease.release()
    from director.l7.routing.affinity import token

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
