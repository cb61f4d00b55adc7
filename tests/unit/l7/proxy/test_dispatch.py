"""Playbooks of failures: other tries, the fault path, deadlines, and clear ends."""

from __future__ import annotations

from typing import Any

import pytest

from director.model.conditions import Term
from director.model.http import FaultStep, Page, Rule
from director.model.pools import Address, PoolTimeouts, Queue, Retry
from tests.support.playbook import World, pool

OK = "HTTP/1.1 200 OK|Content-Length: 2||hi"
GET = "GET / HTTP/1.1|Host: h||"
POST = "POST / HTTP/1.1|Host: h|Content-Length: 3||abc"
LOCAL = FaultStep("local", address=Address("127.0.0.1", 8099))


def web(servers: str = "a b", **settings: Any) -> World:
    return World(pool("web", servers, **settings))


def asked(world: World, request: str = GET) -> World:
    """`request` was sent to server a over a new connection."""
    careful = "" if request.startswith("GET") else " careful"
    world.play(f"""
        client {request}
          open web/a{careful}
        new
          to-server {request}
    """)
    return world


def statuses(lines: list[str]) -> list[str]:
    """The commands, answers cut to their status."""
    return [line.removeprefix("to-client HTTP/1.1 ")[:3] if "HTTP/1.1" in line else line for line in lines]


# --- connects that fail ----------------------------------------------------------------------


@pytest.mark.parametrize("request_text", [GET, POST])
def test_a_connect_that_fails_is_tried_elsewhere_whatever_the_method(request_text: str) -> None:
    world = web()
    careful = "" if request_text is GET else " careful"
    world.play(f"""
        client {request_text}
          open web/a{careful}
        failed connection refused
          drop-server
          open web/b{careful}
        new
          to-server {request_text}
        server {OK}
          to-client {OK}
          keep-server
    """)
    assert world.record()["tries"] == (("a", "connection refused"),)
    assert world.server("a").requests.errors["connect"] == 1
    assert not world.server("a").reachable
    assert world.leases == 0


def test_a_connect_that_takes_too_long_counts_as_failed() -> None:
    web().play(f"""
        client {GET}
          open web/a
        after 1.9
        after 0.1
          drop-server
          open web/b
    """)


def test_tries_end_where_the_pool_says() -> None:
    world = web("a b c d", retry=Retry(tries=2))
    world.play(f"""
        client {GET}
          open web/a
        failed connection refused
          drop-server
          open web/b
        failed connection refused
          drop-server
          open web/c
    """)
    assert statuses(world.tell("failed connection refused")) == ["drop-server", "503"]
    assert world.record()["fault"] == "built-in page"
    assert [name for name, _ in world.record()["tries"]] == ["a", "b", "c"]  # type: ignore[attr-defined]


def test_a_pool_that_does_not_retry_connects_goes_to_the_fault_path_at_once() -> None:
    world = web(retry=Retry(on=frozenset()))
    world.tell(f"client {GET}")
    assert statuses(world.tell("failed connection refused")) == ["drop-server", "503"]


def test_a_single_server_is_tried_again() -> None:
    web("a").play(f"""
        client {GET}
          open web/a
        failed connection refused
          drop-server
          open web/a
    """)


# --- idle connections that are gone -----------------------------------------------------------


def reused(request: str) -> World:
    world = web()
    careful = "" if request.startswith("GET") else " careful"
    world.play(f"""
        client {request}
          open web/a{careful}
        reused
          to-server {request}
    """)
    return world


@pytest.mark.parametrize("end", ["server-ends", "failed connection reset"])
def test_a_kept_connection_that_ends_costs_no_try_but_a_second_copy(end: str) -> None:
    """Nobody can tell whether the server read the first: both are counted as sent."""
    world = reused(GET)
    world.play(f"""
        {end}
          drop-server
          open web/a fresh
        new
          to-server {GET}
        server {OK}
          to-client {OK}
          keep-server
    """)
    assert world.server("a").requests.requests == 2
    assert world.server("a").requests.errors == {}
    tries: Any = world.record()["tries"]
    ((server, what),) = tries
    assert (server, "gone" in what, "without an answer" in what) == ("a", False, True)
    assert world.leases == 0


def test_the_fresh_connection_is_the_last_of_its_kind() -> None:
    world = reused(GET)
    world.play(f"""
        server-ends
          drop-server
          open web/a fresh
        new
          to-server {GET}
        server-ends
          drop-server
          open web/b
    """)
    assert world.server("a").requests.errors["empty"] == 1


@pytest.mark.parametrize(
    ("body", "opened"),
    [
        ("Content-Length: 65536||a", "open web/a"),
        ("Content-Length: 65537||a", "open web/a fresh"),
        ("Transfer-Encoding: chunked||1|a|0||", "open web/a"),
        ("Transfer-Encoding: chunked||1|a|", "open web/a fresh"),
    ],
)
def test_what_could_not_be_sent_again_takes_no_idle_connection(body: str, opened: str) -> None:
    assert web().tell(f"client PUT / HTTP/1.1|Host: h|{body}") == [opened]


def test_a_post_on_a_connection_that_is_gone_is_never_sent_twice() -> None:
    world = reused(POST)
    assert statuses(world.tell("server-ends")) == ["drop-server", "502"]
    assert world.leases == 0


# --- servers that got the request and fail -------------------------------------------------------


def test_an_empty_answer_is_tried_elsewhere_for_idempotent_requests_only() -> None:
    asked(web()).play("""
        server-ends
          drop-server
          open web/b
    """)
    world = asked(web(), POST)
    assert statuses(world.tell("server-ends")) == ["drop-server", "502"]
    assert world.record()["outcome"] == "no_answer"


def test_half_a_head_is_a_502_and_never_tried_again() -> None:
    world = asked(web())
    world.tell("server HTTP/1.1 200")
    assert statuses(world.tell("server-ends")) == ["drop-server", "502"]


def test_a_late_answer_is_a_504_or_another_try_as_the_pool_says() -> None:
    world = asked(web())
    world.tell("after 29.9")
    assert statuses(world.tell("after 0.1")) == ["drop-server", "504"]
    assert world.server("a").requests.errors["timeout"] == 1
    asked(web(retry=Retry(on=frozenset({"timeout"})))).play("""
        after 30
          drop-server
          open web/b
    """)


def test_a_status_that_counts_as_failure_is_tried_elsewhere_and_the_last_one_is_relayed() -> None:
    busy = "HTTP/1.1 503 Busy|Content-Length: 0||"
    world = asked(web(retry=Retry(statuses=frozenset({503}), tries=1)))
    world.play(f"""
        server {busy}
          drop-server
          open web/b
        new
          to-server {GET}
        server {busy}
          to-client {busy}
          keep-server
    """)
    assert world.record()["tries"] == (("a", "status 503"),)


def test_a_body_is_sent_again_whole() -> None:
    put = "PUT / HTTP/1.1|Host: h|Transfer-Encoding: chunked||1|a|"
    sent = "PUT / HTTP/1.1|Host: h|Transfer-Encoding: chunked||1|a|"
    web().play(f"""
        client {put}
          open web/a fresh
        new
          to-server {sent}
        client 2|bc|
          to-server 2|bc|
        server-ends
          drop-server
          open web/b fresh
        client 1|d|0||
        new
          to-server {sent}2|bc|1|d|0||
    """)


def test_a_body_beyond_the_spool_is_not_sent_again() -> None:
    world = web()
    world.tell("client PUT / HTTP/1.1|Host: h|Content-Length: 100000||a")
    world.tell("new")
    world.tell("client " + "x" * 70_000)
    assert statuses(world.tell("server-ends"))[:2] == ["drop-server", "502"]


def test_junk_is_a_502() -> None:
    world = asked(web())
    assert statuses(world.tell("server SSH-2.0-OpenSSH|")) == ["drop-server", "502"]
    assert world.server("a").requests.errors["junk"] == 1
    assert world.service.live.requests.errors == {"junk": 1}, "what clients got, by cause"


def test_a_cut_answer_ends_the_client_so_that_it_can_tell() -> None:
    head = "HTTP/1.1 200 OK|Content-Length: 9||hi"
    world = asked(web())
    world.play(f"""
        server {head}
          to-client {head}
        server-ends
          drop-server
          close-client
    """)
    assert world.record()["outcome"] == "truncated"
    world = web()
    world.play("""
        client GET / HTTP/1.0|Host: h||
          open web/a
        new
          to-server GET / HTTP/1.1|Host: h||
        server HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|hi|
          to-client HTTP/1.1 200 OK|Connection: close||hi
        failed connection reset
          drop-server
          abort-client
    """)


def test_broken_chunks_cut_the_answer() -> None:
    head = "HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|hi|"
    asked(web()).play(f"""
        server {head}
          to-client {head}
        server xyz|
          drop-server
          close-client
    """)


# --- who holds things up ---------------------------------------------------------------------------


def test_an_idle_answer_is_cut() -> None:
    head = "HTTP/1.1 200 OK|Content-Length: 9||hi"
    world = asked(web(timeouts=PoolTimeouts(idle=7.0)))
    world.play(f"""
        server {head}
          to-client {head}
        after 6
        after 1
          drop-server
          close-client
    """)
    assert world.server("a").requests.errors["idle"] == 1


def test_a_slow_reader_is_waited_for_and_a_stalled_one_is_cut_without_blame() -> None:
    head = "HTTP/1.1 200 OK|Content-Length: 9||hi"
    world = asked(web())
    world.play(f"""
        server {head}
          to-client {head}
        after 60 client-stalls moving
        after 59
        after 1 client-stalls
          drop-server
          abort-client
    """)
    assert world.record()["outcome"] == "client_stalls"
    assert not world.server("a").requests.errors
    assert world.leases == 0


def test_a_body_that_does_not_come_is_a_408() -> None:
    world = asked(web(), "POST / HTTP/1.1|Host: h|Content-Length: 3||a")
    assert statuses(world.tell("after 30")) == ["drop-server", "408", "linger-client"]
    assert not world.server("a").requests.errors


def test_a_body_that_the_server_does_not_take_is_a_504() -> None:
    world = asked(web(), "POST / HTTP/1.1|Host: h|Content-Length: 3||a")
    assert statuses(world.tell("after 30 server-stalls"))[:2] == ["drop-server", "504"]


@pytest.mark.parametrize("place", ["open", "new", "server HTTP/1.1 200 OK|Content-Length: 9||hi"])
def test_a_client_that_leaves_takes_its_server_connection_with_it(place: str) -> None:
    world = web()
    world.tell(f"client {GET}")
    if place != "open":
        world.tell("new")
        world.tell(place)
    assert world.tell("client-gone") == ["drop-server"]
    assert world.leases == 0
    assert world.record()["outcome"] == "client_gone"
    assert world.talk.exchange is None


def test_a_fin_inside_a_body_ends_the_request() -> None:
    world = asked(web(), "POST / HTTP/1.1|Host: h|Content-Length: 3||a")
    assert world.tell("client-ends") == ["drop-server", "close-client"]
    assert world.leases == 0


# --- the fault path -----------------------------------------------------------------------------------


def chain(*fault: FaultStep, **settings: Any) -> World:
    pages = (Page("sorry", b"sorry", retry_after=10.0),)
    return World(pool("web", "a", **settings), pool("spare", "s t"), pages=pages, fault=fault, trusted=True)


def fail_no_server(world: World, request: str) -> list[str]:
    world.down("a")
    return world.tell(f"client {request}")


def fail_connect(world: World, request: str) -> list[str]:
    world.tell(f"client {request}")
    world.tell("failed connection refused")
    world.tell("failed connection refused")
    return world.tell("failed connection refused")


def fail_queue(world: World, request: str) -> list[str]:
    server = world.server("a")
    server.overloaded, server.max = True, 1
    server.pool.invalidate()
    assert world.tell(f"client {request}") == ["wait web"]
    return world.tell("after 5")


CAUSES = [fail_no_server, fail_connect, fail_queue]


@pytest.mark.parametrize("cause", CAUSES)
def test_a_page_is_the_answer_and_is_never_stored(cause: Any) -> None:
    world = chain(FaultStep("page", "sorry"), queue=Queue(9, 5.0))
    lines = cause(world, GET)
    answer = lines[-1]
    assert answer.startswith("to-client HTTP/1.1 503 ")
    for field in ("Cache-Control: no-store", "Retry-After: 10", "X-Director: page sorry; id=1"):
        assert f"|{field}|" in answer
    assert answer.endswith("||sorry")
    assert world.record()["fault"] == "page sorry"
    assert world.leases == 0
    assert world.registry.pools["web"].waiting == 0


@pytest.mark.parametrize("cause", CAUSES)
def test_a_local_server_gets_the_whole_request_once(cause: Any) -> None:
    world = chain(LOCAL, queue=Queue(9, 5.0))
    begin = "POST /x HTTP/1.1|Host: h|Content-Length: 6||ab"
    lines = cause(world, begin)
    assert lines[-1] == "open 127.0.0.1:8099 careful"
    world.play(f"""
        client cd
        new
          to-server {begin}cd
        client ef
          to-server ef
        server HTTP/1.1 200 OK|Content-Length: 2|Cache-Control: max-age=9||hi
          to-client HTTP/1.1 200 OK|Content-Length: 2|X-Director: local 127.0.0.1:8099; id=1|Cache-Control: no-store||hi
          keep-server
    """)  # fmt: skip  # noqa: E501 - one command, one line
    assert world.record()["received"] == 6


@pytest.mark.parametrize("cause", CAUSES)
def test_a_fault_pool_is_claimed_and_given_back(cause: Any) -> None:
    world = chain(FaultStep("pool", "spare"), queue=Queue(9, 5.0))
    assert cause(world, GET)[-1] == "open spare/s"
    assert world.server("s", "spare").active == 1
    world.tell("new")
    world.tell(f"server {OK}")
    assert world.leases == 0
    assert (world.record()["fault"], world.record()["server"]) == ("pool spare", "s")


@pytest.mark.parametrize("cause", CAUSES)
def test_without_a_fault_path_the_built_in_page_answers(cause: Any) -> None:
    world = chain(queue=Queue(9, 5.0))
    assert cause(world, GET)[-1].startswith("to-client HTTP/1.1 503 ")


def test_active_is_the_first_live_server_of_any_rule() -> None:
    world = World(pool("web", "a b"), fault=(FaultStep("active"),), pages=())
    # KTCPVS K25: a quiesced server is still live for the fault path.
    for name in ("a", "b"):
        world.server(name).weight = 0
    world.server("a").reachable = False
    world.registry.pools["web"].invalidate()
    assert world.tell(f"client {GET}") == ["open web/b"]
    world.tell("client-gone")
    assert world.leases == 0


def test_each_step_that_cannot_be_reached_gives_way_to_the_next() -> None:
    world = chain(FaultStep("pool", "spare"), LOCAL, FaultStep("page", "sorry"))
    assert fail_no_server(world, GET) == ["open spare/s"]
    assert world.tell("failed connection refused") == ["drop-server", "open spare/t"]
    assert world.tell("failed connection refused") == ["drop-server", "open 127.0.0.1:8099"]
    assert world.leases == 0
    assert statuses(world.tell("failed connection refused")) == ["drop-server", "503"]
    assert world.record()["fault"] == "page sorry"


@pytest.mark.parametrize(
    ("retry", "tried"),
    [
        (Retry(frozenset({"connect"}), frozenset(), 1), "s t"),
        (Retry(frozenset({"connect"}), frozenset(), 9), "s t u"),
        (Retry(frozenset({"empty"}), frozenset(), 9), "s"),
        (Retry(frozenset(), frozenset(), 0), "s"),
    ],
)
def test_a_fault_pool_is_tried_as_its_retry_allows(retry: Retry, tried: str) -> None:
    """Each of its servers once at most, then the next step."""
    world = World(pool("web", "a"), pool("spare", "s t u", retry=retry), fault=(FaultStep("pool", "spare"),))
    said = fail_no_server(world, GET)
    opened = []
    while said[-1].startswith("open "):
        opened.append(said[-1].removeprefix("open spare/"))
        said = world.tell("failed connection refused")
    assert opened == tried.split()
    assert statuses(said) == ["drop-server", "503"]
    assert world.leases == 0


def test_a_body_on_its_way_ends_the_connection_behind_a_page() -> None:
    world = chain(FaultStep("page", "sorry"))
    lines = fail_no_server(world, "POST / HTTP/1.1|Host: h|Content-Length: 9||a")
    assert "|Connection: close|" in lines[0]
    assert lines[1:] == ["linger-client"]


# --- `active`: all candidates, one after the other (design 5) -----------------------------------------


def outage(*fault: FaultStep, **settings: Any) -> World:
    """The own pool has one server, the rules have others; a page stands behind them."""
    rules = tuple(
        Rule(number, name, "www", when=Term("path", "", "^=", (f"/{name}/",)), pool=name)
        for number, name in ((1, "img"), (2, "api"))
    )
    return World(
        pool("web", "a", retry=Retry(on=frozenset())),
        pool("img", "i j"),
        pool("api", "k"),
        rules=rules,
        pages=(Page("sorry", b"sorry"),),
        fault=fault or (FaultStep("active"), FaultStep("page", "sorry")),
        **settings,
    )


def test_active_goes_on_until_a_server_takes_it() -> None:
    """The first clients of an outage: nobody knows yet which servers are dead."""
    world = outage()
    world.play(f"""
        client {GET}
          open web/a
        failed connection refused
          drop-server
          open img/i
        failed connection refused
          drop-server
          open img/j
        failed connection refused
          drop-server
          open api/k
        new
          to-server {GET}
    """)
    assert world.record_of(f"server {OK}")["fault"] == "active k"
    assert world.leases == 0


def test_the_page_comes_when_nobody_of_them_takes_it() -> None:
    world = outage()
    world.tell(f"client {GET}")
    for name in ("img/i", "img/j", "api/k"):
        assert world.tell("failed connection refused")[-1] == f"open {name}"
    assert statuses(world.tell("failed connection refused")) == ["drop-server", "503"]
    assert world.record()["fault"] == "page sorry"


FAILURES = {
    "timeout": ("after 30", "504"),
    "empty": ("server-ends", "502"),
    "junk": ("server SSH-2.0-OpenSSH_9.2|", "502"),
}


@pytest.mark.parametrize("cause", FAILURES)
def test_what_may_be_sent_again_goes_to_another_server(cause: str) -> None:
    event, _ = FAILURES[cause]
    world = asked(outage())
    world.play(f"""
        {event}
          drop-server
          open img/i
        new
          to-server {GET}
        {event}
          drop-server
          open img/j
        new
          to-server {GET}
    """)
    assert world.record_of(f"server {OK}")["status"] == 200
    assert world.record()["outcome"] == "fault"
    assert world.leases == 0


@pytest.mark.parametrize("cause", FAILURES)
def test_what_may_have_been_worked_on_goes_to_the_page_with_the_status_of_its_cause(cause: str) -> None:
    event, status = FAILURES[cause]
    world = asked(outage(), POST)
    assert statuses(world.tell(event))[:2] == ["drop-server", status]
    assert world.record()["fault"] == "page sorry"
    assert world.leases == 0


@pytest.mark.parametrize("cause", FAILURES)
def test_a_cause_that_is_not_named_gets_the_built_in_page(cause: str) -> None:
    event, status = FAILURES[cause]
    world = asked(outage(fault_on=("no_server", "connect", "queue")))
    assert statuses(world.tell(event)) == ["drop-server", status]
    assert (world.record()["fault"], world.record()["outcome"]) == (
        "",
        {"empty": "no_answer"}.get(cause, cause),
    )


def test_a_connect_that_is_not_named_gets_the_built_in_page() -> None:
    world = outage(fault_on=("no_server",))
    world.tell(f"client {GET}")
    assert statuses(world.tell("failed connection refused")) == ["drop-server", "503"]
    assert world.record()["fault"] == "built-in page"


def test_a_hung_server_is_not_asked_again_under_another_name() -> None:
    """It stands in two pools: `active` and `pool` pass it over, because it was just tried."""
    world = World(
        pool("web", "a", retry=Retry(on=frozenset())),
        pool("spare", "a b"),
        pages=(Page("sorry", b"sorry"),),
        fault=(FaultStep("active"), FaultStep("pool", "spare"), FaultStep("page", "sorry")),
    )
    asked(world).play(f"""
        after 30
          drop-server
          open spare/b
        new
          to-server {GET}
    """)
    assert statuses(world.tell("after 30")) == ["drop-server", "504"]
    assert world.record()["fault"] == "page sorry"


def test_a_page_with_a_status_of_its_own_keeps_it() -> None:
    world = World(
        pool("web", "a"), pages=(Page("sorry", b"", status=500),), fault=(FaultStep("page", "sorry"),)
    )
    assert statuses(asked(world).tell("after 30")) == ["drop-server", "500"]


def test_a_queue_that_is_full_is_a_cause_like_one_that_is_slow() -> None:
    world = full(Queue(1, 5.0), fault=(FaultStep("page", "sorry"),), fault_on=("queue",))
    world.call()
    world.tell(f"client {GET}")
    world.call()
    assert statuses(world.tell(f"client {GET}")) == ["503"]
    assert world.record()["fault"] == "page sorry"


# --- the line ---------------------------------------------------------------------------------------------


def full(queue: Queue, **service: Any) -> World:
    """A world whose only server is busy with its one request."""
    world = World(pool("web", "a*", queue=queue), pages=(Page("sorry", b"sorry"),), **service)
    world.tell(f"client {GET}")
    world.tell("new")
    return world


def test_a_request_waits_for_room_and_is_served() -> None:
    world = full(Queue(1, 5.0))
    first = world.talk
    world.call()
    assert world.tell(f"client {GET}") == ["wait web"]
    second, world.talk = world.talk, first
    world.tell(f"server {OK}")
    world.talk = second
    assert world.tell("slot-free") == ["open web/a"]
    world.tell("new")
    world.tell(f"server {OK}")
    assert world.leases == 0
    assert world.registry.pools["web"].waiting == 0


def test_a_full_line_takes_the_fault_path_and_is_counted_once() -> None:
    world = full(Queue(1, 5.0))
    world.call()
    world.tell(f"client {GET}")
    world.call()
    assert statuses(world.tell(f"client {GET}")) == ["503"]
    assert world.registry.pools["web"].queue_full == 1


def test_no_line_no_waiting() -> None:
    world = full(Queue(0))
    world.call()
    assert statuses(world.tell(f"client {GET}")) == ["503"]


def test_waiting_again_does_not_win_time() -> None:
    world = full(Queue(2, 5.0))
    world.call()
    world.tell(f"client {GET}")
    world.tell("after 4")
    # Called too early: the server is still full.
    assert world.tell("slot-free") == ["wait web"]
    assert statuses(world.tell("after 1")) == ["leave-queue", "503"]
    assert world.registry.pools["web"].queue_timeouts == 1


def test_a_client_that_leaves_the_line_leaves_no_place_behind() -> None:
    world = full(Queue(2, 5.0))
    world.call()
    world.tell(f"client {GET}")
    assert world.tell("client-gone") == ["leave-queue"]
    assert world.registry.pools["web"].waiting == 0
