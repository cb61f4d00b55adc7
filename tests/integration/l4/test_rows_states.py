"""Every cell of the TCP tables on the wire: V12, V25, V26, V27 (`lvs-semantics` B.6, D.1, D.2).

Each cell gets a flow of its own.  Packets bring it to the old state, one more packet is sent, and what
the API says of the flow is compared with part D.  IPv4 and IPv6 go side by side.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from scapy.packet import Packet

from tests.integration.l4.bed import wait_for
from tests.integration.l4.flows import counts, flows, inwards, outwards, place
from tests.integration.l4.packets import CLIENT, SERVER
from tests.integration.l4.texts import ini
from tests.integration.l4.wire_judge import Judged, directed
from tests.support.tcp_tables import D1, D2

ACTIVE = {"ESTABLISHED", "SYN_SENT", "SYN_RECV", "SYNACK"}
"""Part B.6."""
FIRST_SECONDS = 3
"""C.1: what a flow lives in state NONE before its first transition."""

FLAGS = {
    4: {"syn": "S", "fin": "F", "ack": "A", "rst": "R", "none": "PU"},
    6: {"syn": "SFA", "fin": "FA", "ack": "PA", "rst": "RSFA", "none": ""},
}
"""Packets of each event; for IPv6 with every flag that must not matter (first that applies: R, S, F, A)."""

WAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "NAT": {
        "NO": ("icmp",),
        "ES": ("c S", "s A"),
        "SS": ("icmp", "s S"),
        "SR": ("c S",),
        "FW": ("c S", "s A", "s FA"),
        "TW": ("c S", "c FA"),
        "CL": ("c S", "s A", "c R"),
        "CW": ("c S", "s A", "c FA"),
        "LI": ("port",),
        "SA": ("c S", "s SA"),
    },
    "DR": {
        "NO": ("icmp",),
        "ES": ("c S", "c A"),
        "SR": ("c S",),
        "FW": ("c S", "c A", "c FA"),
        "TW": ("c S", "c FA"),
        "CL": ("c S", "c A", "c R"),
        "SA": ("c S",),
    },
}
"""How a flow comes to a state, under either table but for `FOREIGN`.

NONE: an ICMP error opens the flow (`schedule_icmp`).  LISTEN: FTP's PORT command announces it.
"""
FOREIGN = {("SECURE", "DR", "SR"), ("NORMAL", "NAT", "SA"), ("NORMAL", "DR", "SA")}
"""States that only the other table leads to: such flows are made before the tables change."""

VIRTUAL = {("NAT", 4): "198.51.100.10", ("DR", 4): "198.51.100.11",
           ("NAT", 6): "2001:db8:100::10", ("DR", 6): "2001:db8:100::11"}  # fmt: skip
ROUTER = {4: "10.0.0.8", 6: "fd00:10::8"}
CONTROL_PORT = 999


class Cell(NamedTuple):
    """One cell for one IP version: under `table`, `event` of `direction` in state `old` leads to `new`."""

    table: str
    direction: str
    event: str
    old: str
    new: str
    family: int

    @property
    def method(self) -> str:
        return "DR" if self.direction == "INPUT-ONLY" else "NAT"

    @property
    def foreign(self) -> bool:
        return (self.table, self.method, self.old) in FOREIGN

    @property
    def listens(self) -> bool:
        return self.old == "LI"


def cells() -> Iterator[Cell]:
    """All of D.2, and its last rule: a packet with none of the flags closes."""
    table = direction = ""
    for line in D2.strip().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] in ("NORMAL", "SECURE"):
            table, olds = words[0], words[1:]
            continue
        if words[0].isupper():
            direction, words = words[0], words[1:]
            rows = [("none", ["CL"] * 11)]
        else:
            rows = []
        rows.append((words[0], words[1:]))
        for event, news in rows:
            for old, new in zip(olds, news, strict=True):
                yield from (Cell(table, direction, event, old, new, family) for family in (4, 6))


ALL = tuple(cells())
ON_THE_WIRE = tuple(one for one in ALL if one.old in WAYS[one.method])


class Walk:
    """Sends the packets of many cells at a time; `ports` gives each flow its client port."""

    def __init__(self, bed: Judged) -> None:
        self.bed = bed
        self.ports: dict[Cell, int] = {}
        self._next = 10000

    def claim(self, wanted: Iterable[Cell]) -> None:
        for cell in wanted:
            self.ports[cell] = self._next
            self._next += 1

    def row(self, cell: Cell) -> str:
        return place(CLIENT[cell.family], self.ports[cell])

    def make(self, wanted: Iterable[Cell]) -> None:
        """Claim and lead."""
        asked = tuple(wanted)
        self.claim(asked)
        self.lead(asked)

    def lead(self, wanted: Iterable[Cell]) -> float:
        """Bring the cells' flows to their old states; returns when the last steps, those to NONE, began."""
        ways = {cell: WAYS[cell.method][cell.old] for cell in wanted}
        for left in range(max(map(len, ways.values())), 0, -1):
            steps = [(cell, way[-left]) for cell, way in ways.items() if len(way) >= left]
            begun = time.monotonic()
            self._send([(cell, *step.split()) for cell, step in steps])
        return begun

    def probe(self, wanted: Iterable[Cell]) -> None:
        """Send the packet of each cell."""
        sides = {"INPUT": "c", "INPUT-ONLY": "c", "OUTPUT": "s"}
        self._send([(one, sides[one.direction], FLAGS[one.family][one.event]) for one in wanted])

    def _send(self, steps: Iterable[tuple[Any, ...]]) -> None:
        made = [(step[1] == "s", self._packet(*step)) for step in steps]
        inwards(self.bed, [packet for out, packet in made if not out])
        outwards(self.bed, [packet for out, packet in made if out])

    def _packet(self, cell: Cell, kind: str, flags: str = "") -> Packet:
        client, virtual = CLIENT[cell.family], VIRTUAL[cell.method, cell.family]
        port, service = self.ports[cell], 20 if cell.listens else 80
        if kind == "s":
            return _tcp(SERVER[cell.family], 20 if cell.listens else 8080, client, port, flags)
        if kind == "c":
            return _tcp(client, port, virtual, service, flags)
        if kind == "icmp":
            inner = _tcp(virtual, service, client, port, "A")
            said = ICMP(type=3, code=1) if cell.family == 4 else ICMPv6DestUnreach()
            return _ip(ROUTER[cell.family], virtual) / said / inner
        return _tcp(client, CONTROL_PORT, virtual, 21, "PA") / announcement(cell.family, port)


def announcement(family: int, port: int) -> bytes:
    """The FTP command that says where the client waits for data."""
    client = CLIENT[family]
    if family == 6:
        return f"EPRT |2|{client}|{port}|\r\n".encode()
    return f"PORT {client.replace('.', ',')},{port >> 8},{port & 255}\r\n".encode()


def _ip(source: str, destination: str) -> Packet:
    return (IPv6 if ":" in destination else IP)(src=source, dst=destination)


def _tcp(source: str, sport: int, destination: str, dport: int, flags: str) -> Packet:
    return _ip(source, destination) / TCP(sport=sport, dport=dport, flags=flags, seq=1, ack=1)


def text(secure: int) -> str:
    pools = {
        "web": (f"{SERVER[4]}:8080",), "web6": (f"[{SERVER[6]}]:8080",),
        "ftp": (f"{SERVER[4]}:21",), "ftp6": (f"[{SERVER[6]}]:21",),
    }  # fmt: skip
    services = [
        (f"tcp {place(VIRTUAL[method, family], port)}", f"{pool}{'6' if family == 6 else ''}", forward, "")
        for family in (4, 6)
        for method, forward, port, pool in (
            ("NAT", "nat", 80, "web"), ("DR", "dr", 80, "web"), ("NAT", "nat", 21, "ftp"),
        )
    ]  # fmt: skip
    return ini(pools, services, f"schedule_icmp = 1\nconn_reuse_mode = 0\nsecure_tcp = {secure}")


class Seen(NamedTuple):
    """What the API said of a cell's flow before its packet, and at most `within` seconds after it.

    `again` is after the same packet came once more, with nothing to look up and so by the shortest way.
    """

    before: Any
    after: Any
    again: Any
    within: float


def walked(walk: Walk, wanted: tuple[Cell, ...]) -> dict[Cell, Seen]:
    """Lead and probe; leads fresh flows when the machine was so slow that flows in NONE may have ended."""
    own = [one for one in wanted if not one.foreign]
    for _ in range(4):
        walk.claim(own)
        last = walk.lead(own)
        before = flows(walk.bed)
        if time.monotonic() - last < FIRST_SECONDS / 2:
            break
    probed = time.monotonic()
    walk.probe(wanted)
    after = flows(walk.bed)
    within = time.monotonic() - probed
    walk.probe(wanted)
    again = flows(walk.bed)
    rows = {one: walk.row(one) for one in wanted}
    return {one: Seen(before.get(row), after.get(row), again.get(row), within) for one, row in rows.items()}


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("states"), text(secure=0)) as made:
        yield made


@pytest.fixture(scope="module")
def seen(bed: Judged) -> dict[Cell, Seen]:
    walk = Walk(bed)
    for family in (4, 6):
        ends = (CLIENT[family], CONTROL_PORT, VIRTUAL["NAT", family], 21)
        inwards(bed, [_tcp(*ends, "S"), _tcp(*ends, "A")])
    normal, secure = (tuple(one for one in ON_THE_WIRE if one.table == name) for name in ("NORMAL", "SECURE"))
    walk.make(one for one in secure if one.foreign)
    bed.reload(text(secure=3))
    walk.make(one for one in normal if one.foreign)
    found = walked(walk, secure)
    bed.reload(text(secure=0))
    return found | walked(walk, normal)


@pytest.mark.parametrize("table", ["NORMAL", "SECURE"])
@pytest.mark.parametrize("direction", ["INPUT", "OUTPUT", "INPUT-ONLY"])
def test_every_cell(seen: dict[Cell, Seen], table: str, direction: str) -> None:
    """V25, V26: the state before is the cell's old one, the state after is its new one, and so on."""
    mine = {cell: one for cell, one in seen.items() if (cell.table, cell.direction) == (table, direction)}
    assert len(mine) == 2 * 5 * (7 if direction == "INPUT-ONLY" else 10)
    then = {
        (cell.event, cell.old): cell.new for cell in ALL if (cell.table, cell.direction) == (table, direction)
    }
    wrong = {}
    for cell, one in mine.items():
        states = [row["state"] if row else "" for row in (one.before, one.after, one.again)]
        if states != [D1[state][0] for state in (cell.old, cell.new, then[cell.event, cell.new])]:
            wrong[cell] = states
    assert not wrong


def test_the_time_left_is_that_of_the_new_state(seen: dict[Cell, Seen]) -> None:
    """V27: D.1 less what has passed since; NONE has 3 s until the first transition (C.1)."""
    for cell, one in seen.items():
        seconds = D1[cell.new][1]
        assert seconds - one.within - 0.1 <= one.after["expires"] <= seconds, (cell, one)
        if cell.old == "NO":
            assert one.before["expires"] <= FIRST_SECONDS
    assert {cell.new for cell in seen} == set(D1) - {"NO", "LA"}


def test_no_other_cell_can_be_reached(seen: dict[Cell, Seen]) -> None:
    """LAST_ACK is nobody's new state, and no input-only row leads to SYN_SENT, CLOSE_WAIT or LISTEN."""
    for method, starts in (("NAT", {"NO", "LI"}), ("DR", {"NO"})):
        steps = {(one.old, one.new) for one in ALL if one.method == method}
        known = starts
        while known != (more := known | {new for old, new in steps if old in known}):
            known = more
        assert known == set(WAYS[method])
    others = [one for one in ALL if one not in seen and one.event != "none"]
    assert {(one.method, one.old) for one in others} == {
        ("NAT", "LA"), ("DR", "LA"), ("DR", "SS"), ("DR", "CW"), ("DR", "LI"),
    }  # fmt: skip
    assert len(ALL) == 2 * (264 + 66)
    assert len(others) == 2 * 48


def test_active_and_inactive_are_counted_by_state(bed: Judged, seen: dict[Cell, Seen]) -> None:
    """V12 over all these flows, whatever ways they went."""
    for pool, family in (("web", 4), ("web6", 6)):

        def agree(pool: str = pool, family: int = family) -> bool:
            mine = [one for one in flows(bed).values() if one["target"] == place(SERVER[family], 8080)]
            found = Counter(one["state"] in ACTIVE for one in mine)
            assert found[True] > 20
            return counts(bed, pool, "a") == (found[True], found[False], 0)

        wait_for(agree)


def test_a_server_that_is_seen_after_all_ends_input_only(bed: Judged, seen: dict[Cell, Seen]) -> None:
    """V26: a server's packet on a DR flow is an OUTPUT packet, and the flow's later ones are INPUT (D.2)."""
    virtual = VIRTUAL["DR", 4]
    client, row = (CLIENT[4], 500), place(CLIENT[4], 500)
    inwards(bed, [_tcp(*client, virtual, 80, "S"), _tcp(*client, virtual, 80, "A")])
    bed.server.put(_tcp(virtual, 80, *client, "FA"))
    wait_for(lambda: flows(bed)[row]["state"] == "FIN_WAIT")
    inwards(bed, [_tcp(*client, virtual, 80, "FA")])
    assert flows(bed)[row]["state"] == "TIME_WAIT", "FIN_WAIT would be that of input-only"
