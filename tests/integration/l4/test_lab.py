"""`director lab`, whole: the program itself on the shipped examples, with real traffic."""

from __future__ import annotations

import secrets
import subprocess

import pytest

from director.demo import lab, netns
from director.demo.topology import METHODS
from director.model.pools import Forward
from tests.integration.l4.bed import skip_without_root


@pytest.fixture(autouse=True)
def _root() -> None:
    skip_without_root()


@pytest.fixture(autouse=True)
def tag(monkeypatch: pytest.MonkeyPatch) -> str:
    """What begins the names of this test's own labs; another run may stand beside it."""
    own = f"lab-{secrets.token_hex(3)}"

    class Own(netns.Namespaces):
        def __init__(self, prefix: str = "dir") -> None:
            super().__init__(prefix)
            self.tag = f"{own}-{self.tag[-6:]}"

    monkeypatch.setattr(lab, "Namespaces", Own)
    return own


def namespaces(tag: str) -> set[str]:
    said = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in said.splitlines() if line.startswith(f"{tag}-")}


@pytest.mark.slow
def test_every_method_shows_what_each_side_saw_and_leaves_nothing(tag: str) -> None:
    lines: list[str] = []
    reports = lab.lab_run(say=lines.append)
    assert [report.failed for report in reports] == ["", "", ""]
    for report, method in zip(reports, METHODS, strict=True):
        assert {one.server for one in report.exchanges} == {"a", "b", "c"}
        # lvs-semantics K: NAT = the server sees its own address, DR and TUN = the virtual one.
        seen = {one.seen_to.rsplit(":", 1)[0] for one in report.exchanges}
        if method is Forward.NAT:
            assert seen == {"10.99.1.11", "10.99.1.12", "10.99.1.13"}
        else:
            assert seen == {"10.99.2.80"}
    assert lines.count("  ok") == 3
    assert namespaces(tag) == set()


def test_up_leaves_it_standing_and_down_takes_it_away(
    tag: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(lab, "STANDING", tmp_path_factory.mktemp("lab") / "standing.json")
    lines: list[str] = []
    lab.lab_up(Forward.DR, lines.append)
    try:
        assert len(namespaces(tag)) == 6
        command = next(line for line in lines if "curl" in line).split()
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert '"server"' in said
    finally:
        lab.lab_down(lines.append)
    assert lines[-1] == "the lab is down"
    assert namespaces(tag) == set()
    lab.lab_down(lines.append)
    assert lines[-1] == "no lab is standing"


def test_a_director_that_does_not_start_is_part_of_the_report(tag: str) -> None:
    [report] = lab.lab_run([Forward.NAT], start=lambda _ini: ["sh", "-c", "echo no luck; exit 1"])
    assert "ended at once" in report.failed
    assert "no luck" in report.failed
    assert namespaces(tag) == set()
