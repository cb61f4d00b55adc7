"""What the shell takes from the host's stack, and that it gives all of it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from director.demo.netns import Namespaces
from tests.integration.l4.bed import Bed, wait_for
from tests.support.running import settled

VIP, REAL = "198.51.100.10", "172.16.0.2"
URL = f"http://{VIP}:8080/"


def test_traffic_passes_and_a_stop_leaves_nothing(bed: Bed) -> None:
    before = bed.addresses(), bed.tables(), bed.devices()
    bed.serve()
    process, said = bed.start()
    assert said == {"ready": True, "troubles": {}}
    assert VIP in bed.addresses()
    assert [bed.get(URL) for _ in range(5)] == ["hello"] * 5
    bed.stop(process)
    assert (bed.addresses(), bed.tables(), bed.devices()) == before
    assert not (bed.place / "state" / "l4-capture.json").exists()


def test_what_a_kill_leaves_the_next_start_takes_over_and_the_next_stop_removes(bed: Bed) -> None:
    before = bed.addresses(), bed.tables()
    bed.serve()
    process, _said = bed.start()
    process.kill()
    process.wait()
    assert VIP in bed.addresses()
    assert "director-edge-1" in bed.tables()
    process, _said = bed.start()
    assert bed.get(URL) == "hello"
    bed.stop(process)
    assert (bed.addresses(), bed.tables()) == before


def test_after_a_kill_other_services_and_another_name_still_leave_nothing(bed: Bed) -> None:
    before = bed.addresses(), bed.tables()
    process, _said = bed.start()
    process.kill()
    process.wait()
    process, said = bed.start(name="edge-2", virtual="198.51.100.77:8080")
    assert said["troubles"] == {}
    assert VIP not in bed.addresses()
    assert "198.51.100.77" in bed.addresses()
    assert "director-edge-1" not in bed.tables()
    bed.stop(process)
    assert (bed.addresses(), bed.tables()) == before


def test_an_address_that_was_there_before_stays(bed: Bed) -> None:
    bed.net.address(bed.director, "lo", f"{VIP}/32")
    bed.serve()
    process, _said = bed.start()
    assert bed.get(URL) == "hello"
    bed.stop(process)
    assert VIP in bed.addresses()


def test_other_ports_of_the_virtual_address_stay_with_the_host(bed: Bed) -> None:
    bed.serve()
    process, _said = bed.start()
    bed.serve(9090, bed.director, "the host itself")
    assert bed.get(f"http://{VIP}:9090/") == "the host itself"
    assert bed.get(URL) == "hello"
    bed.stop(process)


def test_the_host_never_answers_for_the_service(bed: Bed) -> None:
    process, _said = bed.start()
    bed.serve(8080, bed.director, "wrong")
    # Nothing listens on the server, so its reset comes back translated; the host's own
    # listener on the same port must not answer instead.
    assert bed.get(URL) is None
    bed.stop(process)


def test_the_directors_own_connections_to_a_server_are_its_own(bed: Bed) -> None:
    bed.serve()
    process, _said = bed.start()
    assert bed.get(f"http://{REAL}:8080/", bed.director) == "hello"
    bed.stop(process)


def test_a_connection_to_a_server_past_the_virtual_address_is_given_back(bed: Bed) -> None:
    """The client talks to the server itself: its answers match no flow, and the host routes them."""
    bed.serve()
    process, _said = bed.start()
    assert bed.get(f"http://{REAL}:8080/") == "hello"
    assert bed.get(URL) == "hello"
    counters = bed.stop(process)
    assert counters["stack_given"] > 0
    assert counters["stack_lost"] == 0
    assert counters["netlink_overruns"] == counters["nftables_overruns"] == 0
    assert "dirstack0" not in bed.devices()


def test_a_local_server_gets_its_packets_back(bed: Bed) -> None:
    bed.serve(8080, bed.director, "the host itself")
    process, _said = bed.start("local")
    assert bed.get(URL) == "the host itself"
    bed.stop(process)


def test_two_directors_in_two_namespaces_do_not_touch_each_other(
    bed: Bed, net: Namespaces, tmp_path: Path
) -> None:
    other = net.add("other")
    net.run(other, "ip", "link", "add", "o0", "type", "veth", "peer", "name", "o1")
    net.run(other, "ip", "link", "set", "o0", "up")
    bed.serve()
    first, _said = bed.start()
    second, said = bed.start(where=other, state="other")
    assert list(said["troubles"]) == [f"route {REAL}"]
    assert VIP in bed.addresses(other)
    bed.stop(second, "other")
    assert VIP not in bed.addresses(other)
    assert bed.get(URL) == "hello"
    bed.stop(first)


def test_a_copied_state_is_not_acted_on_in_another_namespace(bed: Bed, net: Namespaces) -> None:
    other = net.add("other")
    net.address(other, "lo", f"{VIP}/32")
    process, _said = bed.start()
    process.kill()
    process.wait()
    process, _said = bed.start(where=other)
    bed.stop(process)
    assert VIP in bed.addresses(other)


def test_two_of_one_name_in_one_namespace_are_refused(bed: Bed) -> None:
    bed.serve()
    first, _said = bed.start()
    second, said = bed.start(state="second")
    assert "runs here already" in said["troubles"]["capture"]
    second.kill()
    second.wait()
    assert bed.get(URL) == "hello"
    bed.stop(first)


def test_without_capabilities_it_says_what_it_lacks(bed: Bed) -> None:
    prefix = ("setpriv", "--bounding-set", "-net_raw,-net_admin")
    process, _said = bed.start(prefix=prefix)
    log = (bed.place / "state" / "log").read_text()
    assert "no CAP_NET_RAW, no CAP_NET_ADMIN" in log
    assert "setcap" in log
    assert "AmbientCapabilities" in log
    assert process.poll() is None
    bed.stop(process)


def test_a_link_that_goes_down_and_comes_back(bed: Bed) -> None:
    bed.serve()
    process, _said = bed.start()
    assert bed.get(URL) == "hello"
    bed.net.run(bed.director, "ip", "link", "set", "d1", "down")
    assert bed.get(URL, seconds=1) is None
    bed.net.run(bed.director, "ip", "link", "set", "d1", "up")
    assert wait_for(lambda: bed.get(URL, seconds=1)) == "hello"
    bed.stop(process)


def test_an_interface_that_vanishes_and_is_made_anew(bed: Bed) -> None:
    bed.serve()
    process, _said = bed.start()
    assert bed.get(URL) == "hello"

    def descriptors() -> int:
        return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))

    before = descriptors()
    bed.net.run(bed.director, "ip", "link", "del", "d0")
    wait_for(lambda: descriptors() < before)
    assert settled(descriptors, 0.5), "the port is closed, and the rules are as they are without it"
    bed.net.link(bed.client, "c0", bed.director, "d0")
    bed.net.address(bed.client, "c0", "10.0.0.2/24")
    bed.net.address(bed.director, "d0", "10.0.0.1/24")
    bed.net.run(bed.client, "ip", "route", "add", "default", "via", "10.0.0.1")
    assert wait_for(lambda: bed.get(URL, seconds=1)) == "hello"
    bed.serve(8080, bed.director, "wrong")
    assert bed.get(URL) == "hello"
    bed.stop(process)


def test_a_virtual_address_that_somebody_removed_returns(bed: Bed) -> None:
    process, _said = bed.start()
    bed.net.run(bed.director, "ip", "address", "del", f"{VIP}/32", "dev", "lo")
    assert wait_for(lambda: VIP in bed.addresses())
    bed.stop(process)


def test_a_server_with_another_link_layer_address_is_found_soon(bed: Bed) -> None:
    bed.serve()
    process, _said = bed.start()
    assert bed.get(URL) == "hello"
    bed.net.run(bed.server, "ip", "link", "set", "s0", "address", "02:00:00:00:00:99")
    bed.net.run(bed.server, "ip", "neigh", "flush", "all")
    # The kernel alone would believe in the old one for 15 to 45 seconds (its base_reachable_time).
    assert wait_for(lambda: bed.get(URL, seconds=0.3) == "hello", 10)
    bed.stop(process)


@pytest.mark.slow
def test_a_server_that_does_not_answer_costs_a_bounded_queue(bed: Bed) -> None:
    process, _said = bed.start()
    bed.net.run(bed.server, "ip", "link", "set", "s0", "arp", "off")
    bed.net.run(bed.director, "ip", "neigh", "flush", "all")
    for _ in range(3):
        assert bed.get(URL, seconds=1) is None
    assert bed.counters(process)["hold_held"] > 0

    def all_let_go() -> bool:
        counters = bed.counters(process)
        return counters["hold_dropped_unresolved"] == counters["hold_held"]

    wait_for(all_let_go)
    bed.stop(process)
