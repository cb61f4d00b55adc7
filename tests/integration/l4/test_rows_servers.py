"""Real servers that fill, rest, leave and return: V8 to V18 on the wire (`lvs-semantics` B.3 to B.8, C.4)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet

from tests.integration.l4.bed import SOURCES, wait_for
from tests.integration.l4.flows import counts, flows, inwards, outwards, servers, templates
from tests.integration.l4.texts import ini
from tests.integration.l4.wire_judge import Judged, directed, judged, parsed

VIP = "198.51.100.10"
CLIENT, OTHER = "10.0.0.2", "10.0.0.3"
A, B = "172.16.0.2", "172.16.0.3"
LIMITS = {(4, 1): 0, (4, 0): 2, (4, 3): 2, (4, 4): 3, (3, 0): 2, (2, 0): 1, (1, 0): 0}
"""(upper, lower threshold): at how many connections OVERLOAD clears again (B.5)."""
LIMITED = {case: f"limit{case[0]}x{case[1]}" for case in LIMITS}
BOTH = {"a": f"{A}:8080", "b": f"{B}:8080"}
NAMES = {A: "a", B: "b"}
Pools = Mapping[str, tuple[str, ...] | dict[str, str]]
POOLS: Pools = {
    **{name: (f"{A}:8080 max={u} min={low}",) for (u, low), name in LIMITED.items()},
    "spill": (f"{A}:8080 max=4", f"{B}:8080"),
    "one": (f"{A}:8080",),
    "edit": (f"{A}:8080 max=2",),
    "full": (f"{A}:8080 max=1",),
    "quiet": BOTH,
    "held": BOTH,
    "trash": BOTH,
    "named": BOTH,
    "nodest": BOTH,
}
PORTS = {name: 1000 + at for at, name in enumerate(POOLS)}
STICKY = "persistent = 60s"


def text(pools: Pools = POOLS, keys: str = "") -> str:
    sticky = {"full", "held"}
    services = [
        (f"tcp {VIP}:{port}", name, "nat", STICKY if name in sticky else "") for name, port in PORTS.items()
    ]
    services += [(f"udp {VIP}:{PORTS['one']}", "one", "nat", ""), (f"tcp {VIP}:90", "one", "nat", STICKY)]
    return ini(pools, services, f"timeout.tcpfin = 1s\n{keys}")


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with directed(tmp_path_factory.mktemp("servers"), text()) as made:
        yield made


def tcp(pool: str, sport: int, flags: str = "S", client: str = CLIENT) -> Packet:
    return IP(src=client, dst=VIP) / TCP(sport=sport, dport=PORTS[pool], flags=flags, seq=1)


def asked(bed: Judged, pool: str, sport: int, flags: str = "S", client: str = CLIENT) -> str:
    """The server that gets a packet; fails when none does."""
    return str(inwards(bed, [tcp(pool, sport, flags, client)])[0].dst)


def refused(bed: Judged, pool: str, sport: int, client: str = CLIENT) -> bool:
    """Whether a SYN is answered by port unreachable (C.5), as opposed to forwarded."""
    bed.client.put(tcp(pool, sport, client=client))
    while True:
        if bed.server.frames(0.02, 1):
            return False
        if answers := bed.client.frames(0.02, 1):
            error = parsed(answers[0])[ICMP]
            assert (error.type, error.code) == (3, 3)
            return True


def established(bed: Judged, pool: str, *sports: int) -> list[str]:
    came = inwards(bed, [tcp(pool, sport, flags) for sport in sports for flags in ("S", "A")])
    return [one.dst for one in came[::2]]


def finished(bed: Judged, server: str, *sports: int) -> None:
    """The server closes: FIN_WAIT, and so gone in a second."""
    outwards(bed, [IP(src=server, dst=CLIENT) / TCP(sport=8080, dport=port, flags="FA") for port in sports])


# --- thresholds ----------------------------------------------------------------------------------


def test_a_full_server_is_passed_over(bed: Judged) -> None:
    """V8: with u=4 the fifth goes elsewhere, and so do all that follow; those it has go on."""
    chosen = [asked(bed, "spill", 1000 + number) for number in range(12)]
    assert chosen == [A, B] * 4 + [B] * 4
    assert servers(bed, "spill")["a"]["overloaded"]
    assert asked(bed, "spill", 1000, "A") == A


def test_a_full_server_is_free_again_exactly_when_it_must(bed: Judged) -> None:
    """V9, V10: between the bounds it stays refused; each (u, l) with its point, one less each round."""
    base = {case: 2000 + 10 * at for at, case in enumerate(LIMITS)}
    for (u, low), name in LIMITED.items():
        established(bed, name, *range(base[u, low], base[u, low] + u))
        assert refused(bed, name, base[u, low] + 9)
    for less in range(1, 5):
        going = {case: case[0] - less for case in LIMITS if case[0] - less >= LIMITS[case]}
        finished(bed, A, *(base[case] + less - 1 for case in going))
        for case, total in going.items():
            wait_for(partial(_holds, bed, LIMITED[case], total), 15)
        for case, total in going.items():
            assert refused(bed, LIMITED[case], base[case] + 9) is (total > LIMITS[case]), (case, total)


def _holds(bed: Judged, pool: str, connections: int) -> bool:
    active, inactive, _persistent = counts(bed, pool, "a")
    return active + inactive == connections


def test_a_threshold_that_is_raised_or_removed_frees_at_once(bed: Judged) -> None:
    """V11; one that is lowered counts from the next connection on (B.3, B.5)."""

    def edit(limit: int) -> None:
        assert bed.api("PATCH", "pools/edit/servers/a", {"max": limit})[0] == 200

    established(bed, "edit", 3000, 3001)
    assert refused(bed, "edit", 3002)
    edit(3)
    assert asked(bed, "edit", 3002) == A
    assert refused(bed, "edit", 3003)
    edit(2)
    assert refused(bed, "edit", 3003)
    edit(0)
    assert [asked(bed, "edit", 3003 + number) for number in range(3)] == [A] * 3
    edit(4)
    assert not servers(bed, "edit")["a"]["overloaded"], "only a connection sets it"
    assert asked(bed, "edit", 3006) == A
    assert refused(bed, "edit", 3007)


def test_a_full_server_keeps_its_own(bed: Judged) -> None:
    """V8, B.5: OVERLOAD stops scheduling alone; a valid template still leads there."""
    assert asked(bed, "full", 3100) == A
    assert refused(bed, "full", 3100, OTHER)
    assert asked(bed, "full", 3101) == A
    assert asked(bed, "full", 3100, "A") == A


# --- counts ----------------------------------------------------------------------------------------


def test_active_inactive_and_persistent(bed: Judged) -> None:
    """V12, V13: as the API has it, and `director show`."""

    def now() -> tuple[int, int, int]:
        return counts(bed, "one", "a")

    assert now() == (0, 0, 0)
    inwards(bed, [tcp("one", 4000)])
    assert now() == (1, 0, 0)
    inwards(bed, [tcp("one", 4000, "A")])
    assert now() == (1, 0, 0)
    inwards(bed, [IP(src=CLIENT, dst=VIP) / UDP(sport=4000, dport=PORTS["one"]) / b"x"])
    assert now() == (1, 1, 0)
    for number, client in enumerate((CLIENT, CLIENT, OTHER)):
        inwards(bed, [IP(src=client, dst=VIP) / TCP(sport=4100 + number, dport=90, flags="S")])
    assert now() == (4, 1, 2), "one template for each client"
    assert len([one for one in templates(bed) if one["virtual"] == f"{VIP}:90"]) == 2
    inwards(bed, [tcp("one", 4000, "FA")])
    assert now() == (3, 2, 2)
    outwards(bed, [IP(src=A, dst=CLIENT) / UDP(sport=8080, dport=4000) / b"y"])
    assert now() == (3, 2, 2), "UDP stays inactive"
    (line,) = (one for one in bed.ctl("show", "servers").splitlines() if one.startswith("one/a "))
    assert line.split()[3] == "5", "the load is both"
    (shown,) = (one for one in json.loads(bed.ctl("show", "servers", "--json")) if one["pool"] == "one")
    assert (shown["active"], shown["inactive"], shown["persistent"]) == (3, 2, 2)


# --- quiesce, trash ----------------------------------------------------------------------------------


def weigh(bed: Judged, pool: str, server: str, weight: int) -> None:
    assert bed.api("PATCH", f"pools/{pool}/servers/{NAMES[server]}", {"weight": weight})[0] == 200


def test_weight_0_takes_nothing_new(bed: Judged) -> None:
    """V14: what it has goes on, a template leads there still (B.7)."""
    old = dict(zip((5000, 5001), established(bed, "quiet", 5000, 5001), strict=True))
    held = established(bed, "held", 5005)[0]
    for pool, server in (("quiet", A), ("held", held)):
        weigh(bed, pool, server, 0)
    assert {asked(bed, "quiet", 5010 + number) for number in range(4)} == {B}
    assert {port: asked(bed, "quiet", port, "A") for port in old} == old
    assert {asked(bed, "held", 5050 + number) for number in range(3)} == {held}
    assert {asked(bed, "held", 5050 + number, client=OTHER) for number in range(3)} == {A, B} - {held}
    finished(bed, A, *(port for port, server in old.items() if server == A))
    wait_for(lambda: servers(bed, "quiet")["a"]["empty"])
    weigh(bed, "quiet", A, 1)
    assert {asked(bed, "quiet", 5020 + number) for number in range(4)} == {A, B}


def without(pool: str, server: str) -> Pools:
    """All pools, this one without this server."""
    return {**POOLS, pool: {name: place for name, place in BOTH.items() if name != NAMES[server]}}


def test_a_removed_server_that_returns_is_what_it_was(bed: Judged) -> None:
    """V15, V17 with 0: silence meanwhile, and time runs on; then old connections work and counters go on."""
    first, second = established(bed, "trash", 6000, 6001)
    name = NAMES[first]
    before = servers(bed, "trash")[name]["traffic"]
    bed.reload(text(without("trash", first)))
    row = f"{CLIENT}:6000"
    left = flows(bed)[row]["expires"]
    bed.client.put(tcp("trash", 6000, "A"))
    assert asked(bed, "trash", 6001, "A") == second
    assert not bed.client.frames(0.01)
    assert not bed.server.frames(0.01)
    assert flows(bed)[row]["expires"] < left
    assert {asked(bed, "trash", 6010 + number) for number in range(3)} == {second}
    bed.reload(text())
    assert asked(bed, "trash", 6000, "A") == first
    after = servers(bed, "trash")[name]
    grown = {key: after["traffic"][key] - before[key] for key in ("conns", "inpkts")}
    assert grown == {"conns": 0, "inpkts": 1}
    assert (after["active"], after["inactive"]) == (1, 0)
    finished(bed, first, 6000)
    assert flows(bed)[row]["state"] == "FIN_WAIT"


def test_a_server_that_changes_its_name_is_what_it_was(bed: Judged) -> None:
    """V15: IPVS knows it by its address; so does a reload, also when another server has the name now."""
    chosen = dict(zip((6050, 6051), established(bed, "named", 6050, 6051), strict=True))
    for names in ({"b": f"{A}:8080", "c": f"{B}:8080"}, {"c": f"{A}:8080", "b": f"{B}:8080"}, BOTH):
        bed.reload(text({**POOLS, "named": names}))
        assert {port: asked(bed, "named", port, "A") for port in chosen} == chosen
    assert [one["traffic"]["inpkts"] for one in servers(bed, "named").values()] == [5, 5]


def test_connections_of_a_removed_server_end_when_told_to(bed: Judged) -> None:
    """V17 with 1: those that are there end in the background, and their packets are looked at anew."""
    first, second = established(bed, "nodest", 6100, 6101)
    bed.reload(text(keys="expire_nodest_conn = 1"))
    bed.reload(text(without("nodest", first), keys="expire_nodest_conn = 1"))
    wait_for(lambda: f"{CLIENT}:6100" not in flows(bed))
    assert f"{CLIENT}:6101" in flows(bed)
    bed.client.put(tcp("nodest", 6100, "A"))
    answer = bed.client.ip()
    assert (answer.src, str(answer[TCP].flags)) == (VIP, "R"), "an ACK opens nothing: it is the host's"
    assert asked(bed, "nodest", 6100) == second
    assert asked(bed, "nodest", 6101, "A") == second
    bed.reload(text())


def test_a_template_of_a_server_with_weight_0_ends_when_told_to(bed: Judged) -> None:
    """V18: with expire_quiescent_template the client moves with its next connection; the old one goes on."""
    bed.reload(text(keys="expire_quiescent_template = 1"))
    client = "10.0.0.4"
    server = asked(bed, "held", 7000, client=client)
    other = ({A, B} - {server}).pop()
    weigh(bed, "held", server, 0)
    weigh(bed, "held", other, 1)
    assert asked(bed, "held", 7001, client=client) == other
    assert asked(bed, "held", 7000, "A", client) == server
    weigh(bed, "held", server, 1)
    assert asked(bed, "held", 7002, client=client) == other, "it has a new template"


# --- the trash is emptied ------------------------------------------------------------------------------

QUICK = """\
import director.registry.registry
director.registry.registry.TRASH_SECONDS = 0.6
director.registry.registry.SWEEP_PERIOD = 0.3
"""


def test_the_trash_is_emptied(tmp_path: Path) -> None:
    """V16 with 0.6 s in place of 120 and 0.3 in place of 60: an idle server that left is forgotten.

    The times themselves are those of `tests/unit/test_registry.py`.
    """
    (tmp_path / "sitecustomize.py").write_text(QUICK)
    services = [(f"tcp {VIP}:{PORTS['trash']}", "trash", "nat", "")]
    whole, empty = (ini({"trash": found}, services, "timeout.tcpfin = 1s") for found in (BOTH, {}))
    with judged(tmp_path, "dirrows") as bed:
        bed.start(whole, prefix=("env", f"PYTHONPATH={tmp_path}:{SOURCES}"))
        ports = dict(zip(established(bed, "trash", 1, 2), (1, 2), strict=True))
        finished(bed, B, ports[B])
        wait_for(lambda: servers(bed, "trash")["b"]["empty"])
        for seconds in (1.3, 3, 6, 12):
            bed.reload(empty)
            time.sleep(seconds)  # not a proof: what is not forgotten yet gets more time
            bed.reload(whole)
            found = servers(bed, "trash")
            if found["b"]["traffic"]["conns"] == 0:
                break
        assert found["b"]["traffic"]["conns"] == 0, "nothing held it"
        assert (found["a"]["traffic"]["conns"], found["a"]["active"]) == (1, 1), "a connection held it"
        assert asked(bed, "trash", ports[A], "A") == A
        bed.stop()
