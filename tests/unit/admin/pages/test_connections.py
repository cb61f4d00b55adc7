from __future__ import annotations

from attrs import asdict

from director.admin.pages.connections import connections
from director.registry.reports import ConnectionEntry
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read

RATES = dict.fromkeys(("conns", "inpkts", "outpkts", "inbytes", "outbytes"), 0)
RUNS = {"running": True, "flows": 2, "traffic": {"rates": RATES}}
FLOW = ConnectionEntry(
    "TCP", "10.0.0.5:1234", "192.0.2.1:80", "10.1.0.1:8080", "ESTABLISHED", 899.0, "l4:web", "web/a",
    "Masq", 7, template=False, id=9,
)  # fmt: skip


def test_a_flow_is_told_from_client_to_server_and_older_ones_are_a_click_away() -> None:
    page = connections([asdict(FLOW)], RUNS, {"client": "10.0.0.0/24"}, "9", looks.ADMIN)
    found = read(page)
    for part in ("10.0.0.5:1234", "192.0.2.1:80", "web/a", "ESTABLISHED"):
        assert part in found.text
    links = [one.get("href") for name, one in found.tags if name == "a"]
    assert "/connections?client=10.0.0.0%2F24&after=9" in links


def test_without_layer_4_it_says_so() -> None:
    page = connections([], {**RUNS, "running": False}, {}, "", looks.ADMIN)
    assert "Layer 4 does not run" in page
    assert "after=" not in page
