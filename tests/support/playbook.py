"""Scenarios of one conversation as texts: an event, the commands it must bring, an event, its commands.

    client GET / HTTP/1.1|Host: h||
      open web/a
    new
      to-server GET / HTTP/1.1|Host: h||
    server HTTP/1.1 200 OK|Content-Length: 2||hi
      to-client HTTP/1.1 200 OK|Content-Length: 2||hi
      keep-server

Events stand at the margin, commands are indented, `|` is CR LF.  `World.play` performs the events and
compares what it wrote down with the text; the difference is what a failure prints.

Events: `client TEXT`, `client-ends`, `client-gone`, `client-takes`, `opened`, `new` and `reused`
(connections), `server TEXT`, `server-ends`, `failed REASON`, `slot-free`, `drain`, `retire`, `after SECONDS
[client-stalls] [server-stalls] [moving]` (time passes; the deadline is delivered when it has come).
Commands are as in `commands`; neighbouring writes to one side are joined, and the director's own Via and
X-Request-Id lines are left out, because the tests of `forwarded` look at them.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from attrs import evolve

from director.l7.proxy.commands import (
    ONLY_STREAM,
    AbortServer,
    ClientBytes,
    Do,
    DropServer,
    EndServer,
    Expired,
    Happened,
    KeepServer,
    LeaveQueue,
    Open,
    ProxyCommand,
    ProxyEvent,
    ServerBytes,
    ServerEnded,
    ServerFailed,
    ServerReady,
    SlotFree,
    ToClient,
    ToServer,
    Wait,
)
from director.l7.proxy.conversation import Conversation
from director.l7.proxy.trace import FIELDS, Record
from director.l7.routing.facts import Peer
from director.l7.routing.service import CompiledService, ServiceHandle
from director.model.http import L7Service, Page, Rule
from director.model.pools import Address, Pool, Server
from director.model.settings import Configuration
from director.program.layer7 import compile_services
from director.registry.ledger import leave_place
from director.registry.registry import LivePool, RealServer, Registry
from tests.support.registries import live, registry_of, turn

HOP = re.compile(r"(?:Via: 1\.[01] edge\||X-Request-Id: \d+\|)")
WORDS: dict[str, ProxyEvent] = {
    "client-ends": Happened.CLIENT_ENDED,
    "client-gone": Happened.CLIENT_GONE,
    "client-takes": Happened.CLIENT_TAKES,
    "opened": Happened.CLIENT_OPENED,
    "new": ServerReady(ONLY_STREAM, False),
    "reused": ServerReady(ONLY_STREAM, True),
    "server-ends": ServerEnded(ONLY_STREAM),
    "slot-free": SlotFree(ONLY_STREAM),
    "drain": Happened.DRAIN,
    "retire": Happened.RETIRE,
}
NAMES = {
    KeepServer: "keep-server", DropServer: "drop-server", AbortServer: "abort-server",
    EndServer: "end-server", LeaveQueue: "leave-queue",
}  # fmt: skip


def pool(name: str, servers: str, **settings: Any) -> Pool:
    """A pool of servers by their names: `a b*` (`*`: at most one request at a time)."""
    made = tuple(
        Server(word.rstrip("*"), Address(f"10.0.0.{ord(word[0])}", 80), max=word.endswith("*"))
        for word in servers.split()
    )
    return Pool(name, made, **settings)


class World:
    """A configuration with one service `www`, its live registry, and conversations with it.

    `records` are the finished requests; `lines` counts who waits, as the shell's lines would.
    """

    registry: Registry

    def __init__(
        self,
        *pools: Pool,
        rules: tuple[Rule, ...] = (),
        pages: tuple[Page, ...] = (),
        trusted: bool = False,
        **service: Any,
    ) -> None:
        self.trusted = trusted
        self.service = self._compiled(pools, rules, pages, service)
        self.records: list[Record] = []
        numbers = itertools.count(1)
        self.handle = ServiceHandle(self.service, lambda: str(next(numbers)), self.records.append)
        self.now = 0.0
        self.talk = self.call()

    def _compiled(
        self,
        pools: tuple[Pool, ...],
        rules: tuple[Rule, ...],
        pages: tuple[Page, ...],
        settings: dict[str, Any],
    ) -> CompiledService:
        """The service of a configuration, which the registry runs from now on."""
        config = evolve(
            L7Service("www", (Address(port=80),), pool=pools[0].name, forwarded="off"), **settings
        )
        if self.trusted:
            config = evolve(config, trust=(ip_network("192.0.2.0/24"),))
        desired = Configuration(pools=pools, l7=(config,), rules=rules, pages=pages)
        desired = evolve(desired, settings=evolve(desired.settings, name="edge"))
        if hasattr(self, "registry"):
            turn(self.registry, desired)
        else:
            self.registry = registry_of(configuration=desired)
        return compile_services(desired, self.registry)[0]

    def reload(
        self, *pools: Pool, rules: tuple[Rule, ...] = (), pages: tuple[Page, ...] = (), **service: Any
    ) -> None:
        """Another configuration; conversations stay."""
        self.service = self.handle.current = self._compiled(pools, rules, pages, service)

    def call(self) -> Conversation:
        """Another client connects."""
        peer = Peer("192.0.2.7", 4711, "198.51.100.1", 80, trusted=self.trusted)
        self.waits: LivePool | None = None
        self.talk = Conversation(self.handle, peer, self.now)
        return self.talk

    def server(self, name: str, pool: str = "web") -> RealServer:
        """A live server."""
        return live(self.registry, pool, name)

    def down(self, *names: str, pool: str = "web") -> None:
        """Servers fail their checks."""
        for name in names:
            server = self.server(name, pool)
            server.failing = frozenset({"alive"})
            server.refresh()

    def record(self, number: int = -1) -> dict[str, object]:
        """A finished request, by the names of its fields."""
        return dict(zip(FIELDS, self.records[number], strict=True))

    def record_of(self, line: str) -> dict[str, object]:
        """Perform an event that ends a request; its record."""
        self.tell(line)
        return self.record()

    @property
    def leases(self) -> int:
        """Claims that are held now, on all servers."""
        return sum(server.active for server in self.registry.servers())

    # -- playing --

    def play(self, script: str) -> None:
        """Perform the events of `script`; what follows from them must be what it says."""
        wanted = [line.rstrip() for line in _dedented(script)]
        got: list[str] = []
        for line in wanted:
            if not line.startswith(" "):
                got += [line, *(f"  {one}" for one in self.tell(line))]
        if got != wanted:
            raise AssertionError("\n".join(difflib.ndiff(wanted, got)))

    def tell(self, line: str) -> list[str]:
        """Perform one event; returns the commands in words."""
        word, _, rest = line.partition(" ")
        event = self._event(word, rest)
        return [] if event is None else self.deliver(event)

    def deliver(self, event: ProxyEvent) -> list[str]:
        """Give an event to the conversation and follow its commands."""
        commands = self.talk.receive(event, self.now)
        for command in commands:
            self._follow(command)
        return shown(commands)

    def _event(self, word: str, rest: str) -> ProxyEvent | None:
        if word in WORDS:
            if word == "slot-free":
                self._leave()
            return WORDS[word]
        makers: dict[str, Callable[[str], ProxyEvent]] = {
            "client": lambda text: ClientBytes(octets(text)),
            "server": lambda text: ServerBytes(ONLY_STREAM, octets(text)),
            "failed": lambda text: ServerFailed(ONLY_STREAM, text),
        }
        if word in makers:
            return makers[word](rest)
        seconds, *flags = rest.split()
        self.now += float(seconds)
        if self.talk.deadline > self.now:
            return None
        return Expired(
            *self.talk.due(self.now),
            client_stalls="client-stalls" in flags,
            server_stalls="server-stalls" in flags,
            moving="moving" in flags,
        )

    def _follow(self, command: ProxyCommand) -> None:
        if isinstance(command, Wait):
            self.waits = command.pool
        elif isinstance(command, LeaveQueue):
            self._leave()

    def _leave(self) -> None:
        if self.waits is not None:
            leave_place(self.waits)
            self.waits = None


def octets(text: str) -> bytes:
    """What a line of a script stands for."""
    return text.replace("|", "\r\n").encode("latin-1")


def shown(commands: list[ProxyCommand]) -> list[str]:
    """Commands in words, neighbouring writes joined."""
    lines: list[str] = []
    for kind, group in itertools.groupby(commands, type):
        if kind in (ToClient, ToServer):
            word = "to-client" if kind is ToClient else "to-server"
            data = b"".join(one.data for one in group)  # type: ignore[union-attr]
            lines.append(f"{word} " + HOP.sub("", data.decode("latin-1").replace("\r\n", "|")))
        else:
            lines += [_word(one) for one in group]
    return lines


def _word(command: ProxyCommand) -> str:
    if isinstance(command, Open):
        target = command.target
        name = f"{target.pool.name}/{target.name}" if isinstance(target, RealServer) else str(target)
        return f"open {name}" + " fresh" * command.fresh + " careful" * command.careful
    if isinstance(command, Wait):
        return f"wait {command.pool.name}"
    if command.__class__ in NAMES:
        return NAMES[command.__class__]
    assert isinstance(command, Do)
    return command.name.lower().replace("_", "-")


def _dedented(script: str) -> list[str]:
    lines = [line for line in script.splitlines() if line.strip()]
    margin = min(len(line) - len(line.lstrip()) for line in lines)
    return [line[margin:] for line in lines]
