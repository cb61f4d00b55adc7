"""V49 to V58: who gets which connection, seen on the wire, by each of IPVS's schedulers (`lvs-semantics` F).

What is expected comes from the formulas of F.2, written down here once more.  List order is the configured
order (a documented difference).  Every connection is a SYN, which counts as active (B.6).
"""

from __future__ import annotations

import select
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP

from tests.integration.l4.bed import wait_for
from tests.integration.l4.flows import PORTS
from tests.integration.l4.texts import HEAD, pool, service
from tests.integration.l4.wire_judge import Judged, directed, parsed

ADDRESSES = {letter: f"172.16.0.{number}" for number, letter in enumerate("abcd", 2)}
LETTERS = {address: letter for letter, address in ADDRESSES.items()}
WEIGHTS = {"a": 4, "b": 3, "c": 2, "d": 0}
SCHEDULERS = (
    "rr", "wrr", "lc", "wlc", "sed", "nq", "fo", "ovf", "twos", "dh", "lblc", "lblcr", "sh", "sh port",
    "sh sh-fallback", "mh", "mh mh-port", "mh fallback",
)  # fmt: skip
BY_DESTINATION = ("dh", "lblc", "lblcr")
CLIENTS = [f"203.0.113.{number}" for number in range(1, 61)]


def vip(scheduler: str) -> str:
    return f"198.51.100.{100 + SCHEDULERS.index(scheduler)}"


def named(scheduler: str) -> str:
    return scheduler.replace(" ", "-")


def configuration(letters: str = "abcd", schedulers: tuple[str, ...] = SCHEDULERS) -> str:
    marks = "\n".join(f"mark.{n} = tcp 192.0.{n}.0/24:80" for n in range(1, 4))
    text = HEAD.format(more=marks)
    for scheduler in schedulers:
        servers = [f"{ADDRESSES[letter]}:8080 weight={WEIGHTS[letter]}" for letter in letters]
        lines = pool(named(scheduler), servers, scheduler)
        text += lines
        virtual = f"tcp {vip(scheduler)}:80"
        if scheduler in BY_DESTINATION:
            virtual = f"fwmark {BY_DESTINATION.index(scheduler) + 1}"
        text += service(named(scheduler), virtual, named(scheduler))
    return text


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Judged]:
    with directed(tmp_path, configuration()) as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("rows"), configuration()) as made:
        yield made


def asks(bed: Judged, to: str, client: str = "10.0.0.2", port: int = 0, flags: str = "S") -> str | None:
    """The letter of the server that gets a packet; None when the client hears port unreachable."""
    sport = port or PORTS.popleft()
    bed.client.put(IP(src=client, dst=to) / TCP(sport=sport, dport=80, flags=flags))
    ready = select.select([bed.server.sock, bed.client.sock], [], [], 2)[0]
    assert ready, "neither server nor client hears anything"
    for _ in range(20):
        for frame in bed.server.frames(0.005, 1):
            packet = parsed(frame)
            assert packet[TCP].sport == sport
            return LETTERS[packet.dst]
        for frame in bed.client.frames(0.005, 1):
            assert parsed(frame)[ICMP].code == 3
            return None
    raise AssertionError("what was heard is no packet")


def sequence(bed: Judged, scheduler: str, count: int) -> str:
    return "".join(asks(bed, vip(scheduler)) or "-" for _ in range(count))


def weigh(bed: Judged, scheduler: str, letter: str, **order: int) -> None:
    assert bed.api("PATCH", f"pools/{named(scheduler)}/servers/{letter}", order)[0] == 200


class Loads:
    """The loads that a test has made, and the formulas of F.1 and F.2 on them."""

    def __init__(self, weights: dict[str, int]) -> None:
        self.weights = {letter: weight for letter, weight in weights.items() if weight}
        self.active: Counter[str] = Counter()
        self.inactive: Counter[str] = Counter()

    def overhead(self, letter: str) -> int:
        return self.active[letter] * 256 + self.inactive[letter]

    def least(self, load: Callable[[str], int], *, weighted: bool = True) -> str:
        """The first with the least load by weight; a later one must be strictly better."""
        weight = self.weights if weighted else dict.fromkeys(self.weights, 1)
        best = next(iter(weight))
        for letter in weight:
            if load(best) * weight[letter] > load(letter) * weight[best]:
                best = letter
        return best

    def lc(self) -> str:
        return self.least(self.overhead, weighted=False)

    def wlc(self) -> str:
        return self.least(self.overhead)

    def sed(self) -> str:
        return self.least(lambda letter: self.active[letter] + 1)

    def nq(self) -> str:
        idle = [letter for letter in self.weights if not self.active[letter]]
        return idle[0] if idle else self.sed()

    def fo(self) -> str:
        return max(self.weights, key=lambda letter: self.weights[letter])

    def ovf(self) -> str:
        room = [letter for letter in self.weights if self.active[letter] <= self.weights[letter]]
        return max(room, key=lambda letter: self.weights[letter]) if room else "-"


def test_rr(running: Judged) -> None:
    """V49: cyclic whatever the weights, without the quiesced one."""
    assert sequence(running, "rr", 7) == "abcabca"


def test_wrr(running: Judged) -> None:
    """V50: A4 B3 C2 gives AABABCABC; a changed weight counts from the next round on."""
    assert sequence(running, "wrr", 18) == "aababcabc" * 2
    weigh(running, "wrr", "a", weight=1)
    weigh(running, "wrr", "b", weight=1)
    weigh(running, "wrr", "c", weight=1)
    assert sequence(running, "wrr", 6) == "abcabc"


@pytest.mark.parametrize("scheduler", ["lc", "wlc", "sed", "nq", "fo", "ovf"])
def test_by_load(running: Judged, scheduler: str) -> None:
    """V51 V52 V53: each pick by the formula, with active and inactive connections; ties to the first."""
    loads = Loads(WEIGHTS)
    pick: Callable[[], str] = getattr(loads, scheduler)
    opened: list[tuple[str, int]] = []
    for number in range(18):
        expected = pick()
        port = PORTS.popleft()
        assert (asks(running, vip(scheduler), port=port) or "-") == expected, number
        loads.active[expected] += expected != "-"
        opened.append((expected, port))
        if number % 4 == 3:
            letter, port = opened.pop(0)
            # A reset by the client leaves SYN_RECV as it is (D.2); a FIN makes TIME_WAIT of it: inactive.
            assert asks(running, vip(scheduler), port=port, flags="FA") == letter
            loads.active[letter] -= 1
            loads.inactive[letter] += 1
    assert loads.inactive.total() == 4
    shown = running.api("GET", f"pools/{named(scheduler)}")[1]["servers"]
    assert {one["name"]: (one["active"], one["inactive"]) for one in shown} == {
        letter: (loads.active[letter], loads.inactive[letter]) for letter in "abcd"
    }


def test_twos(running: Judged) -> None:
    """V56: only the less loaded of two draws: the loaded one must be drawn twice, 1 time in 9."""
    for letter in "bc":
        weigh(running, "twos", letter, weight=0)
    assert set(sequence(running, "twos", 40)) == {"a"}
    for letter in "abc":
        weigh(running, "twos", letter, weight=1)
    assert Counter(sequence(running, "twos", 36))["a"] <= 13


# --- by hash --------------------------------------------------------------------------------------


def hash32(number: int) -> int:
    """F.2: the upper eight bits of a product modulo 2^32."""
    return (number * 0x61C88647 & 0xFFFFFFFF) >> 24


def number(address: str) -> int:
    return int.from_bytes(bytes(int(part) for part in address.split(".")), "big")


def buckets(weights: dict[str, int]) -> str:
    """The 256 buckets of sh: round the list, as many in a row as the weight, one for weight 0."""
    row = "".join(letter * max(1, weight) for letter, weight in weights.items())
    return (row * 256)[:256]


def test_dh(running: Judged) -> None:
    """V54: by destination, weight ignored; nobody when the bucket's server is quiesced."""
    for last in range(1, 60):
        address = f"192.0.1.{last}"
        expected = "abcd"[hash32(number(address)) % 4]
        found = {asks(running, address, client) for client in ("10.0.0.2", "10.0.0.7")}
        assert found == {None if expected == "d" else expected}


@pytest.mark.parametrize("scheduler", ["sh", "sh port", "sh sh-fallback"])
def test_sh(running: Judged, scheduler: str) -> None:
    """V54: by source, with sh-port by source and port, with sh-fallback never nobody."""
    table = buckets(WEIGHTS)
    for client in CLIENTS:
        port = PORTS.popleft()
        index = hash32(number(client) + (port if "port" in scheduler else 0))
        expected: str | None = table[index]
        if expected == "d":
            around = (table[(offset + 2 * index) % 256] for offset in range(256))
            expected = next(one for one in around if one != "d") if "fallback" in scheduler else None
        assert asks(running, vip(scheduler), client, port) == expected


def test_mh(running: Judged) -> None:
    """V55: by source; the shares follow the weights; the quiesced one keeps its slots (last_weight)."""
    first = {client: asks(running, vip("mh"), client) for client in CLIENTS}
    assert {client: asks(running, vip("mh"), client) for client in CLIENTS} == first
    shares = Counter(first.values())
    assert set(shares) == {"a", "b", "c"}, "a server that never had a weight has no slots"
    assert shares["a"] > shares["c"]
    weigh(running, "mh", "a", weight=0)
    quiet = {client: asks(running, vip("mh"), client) for client in CLIENTS}
    assert quiet == {client: None if one == "a" else one for client, one in first.items()}
    weigh(running, "mh", "a", weight=4)
    assert {client: asks(running, vip("mh"), client) for client in CLIENTS} == first


def test_mh_port_and_fallback(running: Judged) -> None:
    """V55: mh-port spreads one client; mh-fallback gives the clients of a quiesced server to several."""
    assert set(sequence(running, "mh mh-port", 30)) == {"a", "b", "c"}
    first = {client: asks(running, vip("mh fallback"), client) for client in CLIENTS}
    weigh(running, "mh fallback", "a", weight=0)
    quiet = {client: asks(running, vip("mh fallback"), client) for client in CLIENTS}
    moved = [quiet[client] for client, one in first.items() if one == "a"]
    assert set(moved) == {"b", "c"}
    assert all(quiet[client] == one for client, one in first.items() if one != "a")


# --- by locality -----------------------------------------------------------------------------------


def overloaded(loads: Loads, letter: str) -> bool:
    """F.2, lblc: more active than its weight, while another has less than half of its own."""
    others = any(loads.active[one] * 2 < loads.weights[one] for one in loads.weights)
    return loads.active[letter] > loads.weights[letter] and others


def test_lblc(running: Judged) -> None:
    """V57: an address stays where it is until that server is overloaded, then it moves."""
    loads = Loads(WEIGHTS)
    at: dict[str, str] = {}
    for turn in range(26):
        address = f"192.0.2.{7 if turn % 4 else 9}"
        if address not in at or overloaded(loads, at[address]):
            at[address] = loads.wlc()
        assert asks(running, address) == at[address], turn
        loads.active[at[address]] += 1


def test_lblcr(running: Judged) -> None:
    """V57: an address has a set of servers, which grows when the least loaded of them is overloaded."""
    loads = Loads(WEIGHTS)
    members: dict[str, list[str]] = {}
    for turn in range(26):
        address = f"192.0.3.{7 if turn % 4 else 9}"
        mine = members.setdefault(address, [])
        least = Loads({one: WEIGHTS[one] for one in mine})
        least.active = loads.active
        chosen = least.wlc() if mine else ""
        if not chosen or overloaded(loads, chosen):
            chosen = loads.wlc()
            if chosen not in mine:
                mine.append(chosen)
        assert asks(running, address) == chosen, turn
        loads.active[chosen] += 1
    assert len(members["192.0.3.7"]) > 1


# --- thresholds, quiesce, reload ---------------------------------------------------------------------


FIRM = ("sh", "mh", "dh")
"""They have nobody for the clients of a server that is full."""


def target(scheduler: str) -> str:
    """An address that the scheduler serves."""
    return f"192.0.{BY_DESTINATION.index(scheduler) + 1}.7" if scheduler in BY_DESTINATION else vip(scheduler)


def served_by_port(port: int) -> bool:
    """`sh port` has somebody for this port of the client: one of ten buckets is d's, who is quiesced."""
    return buckets(WEIGHTS)[hash32(number("10.0.0.2") + port)] != "d"


def test_overload_quiesce_and_reload(bed: Judged) -> None:
    """V49 to V57, all of them: who is full or quiesced gets nothing new and keeps what it has.

    Servers that come and go by reload leave the connections of all others where they are.
    """
    held: dict[tuple[str, int], str] = {}
    for scheduler in SCHEDULERS:
        full = ""
        for _ in range(3):
            while scheduler == "sh port" and not served_by_port(PORTS[0]):
                PORTS.popleft()
            port = PORTS.popleft()
            full = asks(bed, target(scheduler), port=port) or ""
            assert full, scheduler
            held[scheduler, port] = full
        now = next(
            one for one in bed.api("GET", f"pools/{named(scheduler)}")[1]["servers"] if one["name"] == full
        )
        weigh(bed, scheduler, full, max=now["active"] + now["inactive"] + 1)
        got = [asks(bed, target(scheduler), "10.0.0.2") for _ in range(8)]
        assert got.count(full) <= 1, f"{scheduler}: {full} takes one more, then no one"
        if scheduler in FIRM:
            assert got == [full, *[None] * 7], scheduler
        elif "port" not in scheduler and scheduler != "ovf":
            assert None not in got, scheduler
        weigh(bed, scheduler, full, max=0, weight=0)
        assert full not in [asks(bed, target(scheduler)) for _ in range(4)]
        weigh(bed, scheduler, full, weight=WEIGHTS[full])

    def unmoved(but: str = "") -> None:
        for (scheduler, port), letter in held.items():
            if letter not in but:
                assert asks(bed, target(scheduler), port=port, flags="A") == letter, scheduler

    unmoved()
    before = {client: asks(bed, vip("mh"), client) for client in CLIENTS}
    bed.reload(configuration("abd"))
    unmoved("c")
    after = {client: asks(bed, vip("mh"), client) for client in CLIENTS}
    moved = [client for client in CLIENTS if before[client] != after[client]]
    # Of all slots, those of c (2 of 9) must move; maglev moves few others (Eisenbud et al., 5.3).
    assert {before[client] for client in moved} >= {"c"}
    assert len([client for client in moved if before[client] != "c"]) <= len(CLIENTS) // 10
    assert "c" not in sequence(bed, "rr", 6)
    bed.reload(configuration("abdc"))
    unmoved()
    assert Counter(sequence(bed, "rr", 9)) == {"a": 3, "b": 3, "c": 3}
    # V49: the one just used leaves; the next of a b c takes its turn, then the other, and so on.
    current = sequence(bed, "rr", 1)
    bed.reload(configuration("abdc".replace(current, "")))
    order = "abcab"["abc".index(current) + 1 :][:2]
    assert sequence(bed, "rr", 4) == order * 2


# --- a scheduler of one's own (V58) ---------------------------------------------------------------------


PLUGIN = """
from pathlib import Path

BOOK = Path(__file__).with_name("book")


def note(*words):
    with BOOK.open("a") as book:
        book.write(" ".join(words) + "\\n")


class Noting:
    def start(self, service, servers):
        note("start", *(one.name for one in servers))
        if len(servers) > 3:
            raise ValueError("more than three are too many")

    def server_added(self, server):
        note("added", server.name)

    def server_removed(self, server):
        note("removed", server.name)

    def server_updated(self, server):
        note("updated", server.name, str(server.weight))

    def choose(self, servers, key, now):
        note("choose", key.client, str(key.client_port), key.virtual, str(key.virtual_port))
        return servers[-1]

    def stop(self):
        note("stop")
"""


def own(letters: str, scheduler: str = "noting") -> str:
    text = HEAD.format(more="") + "\n[scheduler:noting]\npython = noting.py:Noting\nbudget = 1s\n"
    text += pool("own", [f"{ADDRESSES[letter]}:8080" for letter in letters], scheduler)
    return text + service("own", "tcp 198.51.100.99:80", "own")


def test_a_scheduler_of_ones_own(tmp_path: Path) -> None:
    """V58: start, added, updated, choose, removed, stop in this order; an error in start refuses it."""
    (tmp_path / "noting.py").write_text(PLUGIN)
    book = tmp_path / "book"

    def since() -> list[str]:
        lines = book.read_text().splitlines() if book.exists() else []
        book.unlink(missing_ok=True)
        return lines

    with directed(tmp_path, own("ab")) as bed:
        assert asks(bed, "198.51.100.99", "10.0.0.4", 4000) == "b"
        assert since()[-2:] == ["start a b", "choose 10.0.0.4 4000 198.51.100.99 80"]
        weigh(bed, "own", "a", weight=5)
        assert since() == ["updated a 5"]
        bed.reload(own("abc"))
        # Its file did not change, so the one that runs goes on, with what it remembers.
        assert [line for line in since() if line[:7] != "updated"] == ["added c"]
        assert asks(bed, "198.51.100.99") == "c"
        assert [line.split()[0] for line in since()] == ["choose"]
        assert bed.process is not None
        bed.write(own("abcd") + service("other", "tcp 198.51.100.98:80", "own"))
        bed.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "more than three are too many" in bed.log)
        assert asks(bed, "198.51.100.99") == "c", "the running configuration goes on"
        since()
        bed.reload(own("ab"))
        assert "removed c" in since()
        assert asks(bed, "198.51.100.99") == "b"
        bed.reload(own("ab", "rr"))
        assert since()[-1] == "stop"
        assert {asks(bed, "198.51.100.99") for _ in range(2)} == {"a", "b"}
