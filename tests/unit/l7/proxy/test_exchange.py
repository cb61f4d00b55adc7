"""One request: what holds in every order of events."""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from director.l7.proxy.commands import ONLY_STREAM, Expired, Happened
from director.l7.proxy.exchange import IDEMPOTENT, LIFE, Exchange, ExchangeEvent, Phase
from director.model.conditions import Term
from director.model.http import FaultStep, Page, Rule
from director.model.pools import Address, CookiePersistence, Queue, Retry
from tests.support.playbook import World, octets, pool

OK = "HTTP/1.1 200 OK|Content-Length: 2||hi"
GET = "GET / HTTP/1.1|Host: h||"


def test_the_idempotent_methods_are_those_of_rfc_9110() -> None:
    # RFC 9110 9.2.2: PUT, DELETE, and the safe methods of 9.2.1.
    assert frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE")) == IDEMPOTENT


# --- the table and the record -----------------------------------------------------------------------


def test_every_phase_can_be_reached_and_left() -> None:
    reached = {after for events in LIFE.values() for following in events.values() for after in following}
    assert reached == {*Phase} - {Phase.ROUTED}
    assert all(any(phase not in after for after in LIFE[phase].values()) for phase in Phase if LIFE[phase])
    assert [phase for phase in Phase if not LIFE[phase]] == [Phase.OVER]


def test_a_client_that_leaves_ends_it_in_every_phase() -> None:
    later = [phase for phase in Phase if phase not in (Phase.ROUTED, Phase.OVER)]
    assert all(LIFE[phase][ExchangeEvent.CLIENT_GONE] == (Phase.OVER,) for phase in later)


def test_every_attribute_has_one_owner() -> None:
    """It is written by one file of the room, the one that the docstring of `Exchange` names."""
    writers: dict[str, set[str]] = {}
    for path in sorted(Path(inspect.getfile(Exchange)).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
                continue
            if isinstance(node.value, ast.Name) and node.value.id == "exchange":
                writers.setdefault(node.attr, set()).add(path.stem)
    assert all(len(files) == 1 for files in writers.values()), writers
    owners = {file: {name for name, files in writers.items() if file in files} for file in OWNED}
    assert owners == OWNED
    verbs = {name for name in verbs_write() if name not in writers}
    assert verbs | set(writers) == set(Exchange.__slots__)


OWNED = {
    "request_head": {"rule", "sent_head"},
    "response": {"interims", "interims_since"},
    "request_body": {"received", "spool", "spooled"},
    "dispatch": {
        "attempts", "called_by", "cause", "fault", "pool", "steps", "sticky", "timeouts", "tried",
        "wait_until", "worked_on",
    },
}  # fmt: skip


def verbs_write() -> set[str]:
    """The attributes that `Exchange` writes itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(Exchange)))
    stores = [
        node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    return {node.attr for node in stores if isinstance(node.value, ast.Name) and node.value.id == "self"}


def test_a_server_in_drain_keeps_no_new_request() -> None:
    world = World(pool("web", "a b"))
    world.server("a").state = world.server("a").state.DRAIN
    world.server("a").refresh()
    assert world.tell(f"client {GET}") == ["open web/b"]


# --- every order of events --------------------------------------------------------------------------

REQUESTS = [
    GET,
    GET * 3,
    "GET / HTT",
    "P/1.1|Host: h||",
    "POST / HTTP/1.1|Host: h|Content-Length: 4||ab",
    "ab",
    "POST / HTTP/1.1|Host: h|Transfer-Encoding: chunked||",
    "2|ab|",
    "0||",
    "PUT /local HTTP/1.1|Host: h|Content-Length: 70000||" + "x" * 69_000,
    "x" * 1000,
    "HEAD / HTTP/1.0|Host: h||",
    "GET / HTTP/1.1|Host: h|Connection: upgrade|Upgrade: x||",
    "GET /old/ HTTP/1.1|Host: h||",
    "junk||",
]
ANSWERS = [
    OK,
    "HTTP/1.1 200 OK|Content-Length: 9||h",
    "i",
    "HTTP/1.1 100 Continue||",
    "HTTP/1.1 101 Yes|Connection: upgrade|Upgrade: x||",
    "HTTP/1.1 503 Busy|Content-Length: 0||",
    "HTTP/1.1 204 None||",
    "HTTP/1.0 200 OK||until",
    "HTTP/1.1 200 OK|Transfer-Encoding: chunked||1|a|",
    "0||",
    "HTTP/1.1 2",
    "junk||",
    OK + OK,
]


EVENTS = {
    "client": "CLIENT_BYTES", "client-ends": "CLIENT_ENDED", "client-gone": "CLIENT_GONE",
    "new": "SERVER_READY", "reused": "SERVER_READY", "server": "SERVER_BYTES", "server-ends": "SERVER_ENDED",
    "failed": "SERVER_FAILED", "slot-free": "SLOT_FREE", "after": "EXPIRED",
}  # fmt: skip


class Client:
    """One of the conversations of the machine, and what a shell would know about it."""

    def __init__(self, world: World) -> None:
        self.talk = world.call()
        self.waits = False
        self.server = ""
        self.gone = False
        self.ended = False
        self.server_ended = False
        self.paused = False


class Shell(RuleBasedStateMachine):
    """A shell with some clients that delivers any event that may come next, in any order."""

    def __init__(self) -> None:
        super().__init__()
        settings_ = {
            "queue": Queue(2, 5.0),
            "retry": Retry(frozenset({"connect", "empty", "timeout"}), frozenset({503}), 1),
            "persist": CookiePersistence("D"),
        }
        self.world = World(
            pool("web", "a* b*", **settings_),
            pool("spare", "s*"),
            rules=(Rule(1, "old", "www", when=Term("path", "", "^=", ("/old",)), redirect=(301, "/")),),
            pages=(Page("sorry", b"sorry"),),
            fault=(
                FaultStep("pool", "spare"),
                FaultStep("local", address=Address("127.0.0.1", 1)),
                FaultStep("page", "sorry"),
            ),
        )
        self.clients = [Client(self.world) for _ in range(4)]

    def give(self, client: Client, line: str) -> None:
        """Deliver an event and do what follows, as a shell does."""
        self.world.talk, self.world.waits = client.talk, None
        if client.waits:
            self.world.waits = self.world.registry.pools["web"]
        before = client.talk.exchange
        phase = None if before is None else before.phase
        self.do(client, self.world.tell(line))
        event = EVENTS.get(line.partition(" ")[0])
        if before is not None and phase is not None and before.phase is not phase:
            assert event is not None, "nothing happened to it"
            assert before.phase in LIFE[phase][ExchangeEvent[event]]
        after = client.talk.exchange
        if after is not None and after is not before:
            assert after.phase in LIFE[Phase.ROUTED][ExchangeEvent.STARTED]
        client.waits = self.world.waits is not None

    def do(self, client: Client, lines: list[str]) -> None:
        for line in lines:
            word = line.partition(" ")[0]
            if word == "open":
                assert not client.server, "a second server connection"
                client.server, client.server_ended = "connecting", False
            elif word in ("drop-server", "keep-server"):
                client.server = ""
            elif word in ("to-server", "end-server"):
                assert client.server == "open"
            elif word in ("close-client", "abort-client"):
                client.gone = client.gone or word == "abort-client"
            elif word in ("pause-client", "resume-client"):
                client.paused = word == "pause-client"

    def some(self, number: int, **wanted: object) -> Client | None:
        """One of the clients that have these attributes."""
        fitting = [
            one
            for one in self.clients
            if not one.gone and all(getattr(one, name) == value for name, value in wanted.items())
        ]
        return fitting[number % len(fitting)] if fitting else None

    numbers = st.integers(0, 3)

    @rule(number=numbers, text=st.sampled_from(REQUESTS))
    def client_speaks(self, number: int, text: str) -> None:
        client = self.some(number, ended=False, paused=False)
        if client:
            self.give(client, f"client {text}")

    @rule(number=numbers)
    def client_ends(self, number: int) -> None:
        client = self.some(number, ended=False, paused=False)
        if client:
            client.ended = True
            self.give(client, "client-ends")

    @rule(number=numbers)
    def client_leaves(self, number: int) -> None:
        client = self.some(number)
        if client:
            self.give(client, "client-gone")
            self.replace(client)

    @rule(number=numbers, how=st.sampled_from(["new", "reused", "failed connection refused"]))
    def connects(self, number: int, how: str) -> None:
        client = self.some(number, server="connecting")
        if client:
            client.server = "" if how.startswith("failed") else "open"
            self.give(client, how)

    @rule(number=numbers, text=st.sampled_from(ANSWERS))
    def server_speaks(self, number: int, text: str) -> None:
        client = self.some(number, server="open", server_ended=False)
        if client:
            self.give(client, f"server {text}")

    @rule(number=numbers)
    def server_ends(self, number: int) -> None:
        client = self.some(number, server="open", server_ended=False)
        if client:
            client.server_ended = True
            self.give(client, "server-ends")

    @rule(number=numbers)
    def server_fails(self, number: int) -> None:
        client = self.some(number, server="open")
        if client:
            client.server = ""
            self.give(client, "failed connection reset")

    @rule(
        seconds=st.sampled_from([1, 6, 31, 61, 3600]),
        flags=st.sampled_from(["", "client-stalls", "server-stalls", "moving"]),
    )
    def time_passes(self, seconds: int, flags: str) -> None:
        for client in list(self.clients):
            if not client.gone:
                self.give(client, f"after {seconds if client is self.clients[0] else 0} {flags}")

    @rule(number=numbers)
    def slot_free(self, number: int) -> None:
        client = self.some(number, waits=True)
        if client:
            self.give(client, "slot-free")

    @rule(number=numbers)
    @precondition(lambda self: any(not one.gone for one in self.clients))
    def drains(self, number: int) -> None:
        client = self.some(number)
        if client:
            self.give(client, "drain")

    @rule(name=st.sampled_from("ab"), up=st.booleans())
    def health(self, name: str, up: bool) -> None:
        server = self.world.server(name)
        server.failing = frozenset() if up else frozenset({"alive"})
        server.refresh()

    def replace(self, client: Client) -> None:
        self.clients[self.clients.index(client)] = Client(self.world)

    @invariant()
    def leases_belong_to_exchanges(self) -> None:
        held = [one.talk.exchange for one in self.clients if one.talk.exchange is not None]
        assert self.world.leases == sum(one.lease is not None for one in held)
        assert self.world.registry.pools["web"].waiting == sum(one.phase is Phase.QUEUE for one in held)

    @invariant()
    def every_wait_has_an_end(self) -> None:
        for one in self.clients:
            assert one.talk.closing or one.gone or one.talk.deadline != float("inf")

    def teardown(self) -> None:
        for client in self.clients:
            self.give(client, "client-gone")
        assert self.world.leases == 0
        assert all(one.waiting == 0 for one in self.world.registry.pools.values())
        assert all(server.load == 0 for server in self.world.registry.servers())
        for client in self.clients:
            self.world.talk = client.talk
            for event in (Expired(ONLY_STREAM), Happened.DRAIN):
                client.talk.receive(event, self.world.now)


TestEveryOrder = Shell.TestCase
TestEveryOrder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("cut", range(1, len(octets(GET))))
def test_a_head_in_two_reads_is_one_request(cut: int) -> None:
    world = World(pool("web", "a"))
    text = GET.replace("|", "\r\n")
    assert world.tell(f"client {text[:cut]}") == []
    assert world.tell(f"client {text[cut:]}") == ["open web/a"]
