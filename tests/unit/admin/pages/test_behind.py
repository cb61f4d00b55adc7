from __future__ import annotations

import re

import pytest

from director.admin.pages import connections, faults, rules, tables
from director.admin.pages.behind import METRICS, behind
from director.admin.pages.frame import PLACES
from director.admin.requests import LOOPBACK_NAMES
from director.admin.routes import ROUTES
from director.admin.spreadsheet import COLUMNS
from director.registry.counters import TrafficFigures
from director.registry.reports import PacketFigures
from tests.unit.admin import sample
from tests.unit.admin.pages.test_html import read
from tests.unit.admin.wire import Admin

NAME = re.compile(r"\b(director_\w+)")
SHOWN = {
    "services": tables.SERVICE,
    "servers": tables.SERVER,
    "rules": rules.RULE,
    "faults": faults.FAULT,
    "connections": connections.CONNECTION,
}


@pytest.fixture(scope="module")
def measured() -> str:
    control = sample.control()
    sample.fill(control)
    control.whole = PacketFigures(TrafficFigures(), {}, 3)
    control.probed = {("alive", "passed"): 3}
    return Admin(control).get("/metrics").body.decode()


@pytest.mark.parametrize("table", METRICS)
def test_each_name_is_one_that_a_monitor_finds_with_its_labels(table: str, measured: str) -> None:
    for text in METRICS[table].values():
        for name in NAME.findall(text):
            lines = [one for one in measured.splitlines() if re.match(rf"{name}[{{ ]", one)]
            assert lines, name
            for label in re.findall(rf"{name}{{([^}}]*)}}", text):
                for part in label.split(","):
                    assert f"{part.partition('=')[0].strip()}=" in lines[0]


@pytest.mark.parametrize("table", SHOWN)
def test_what_is_explained_is_a_column_of_its_table(table: str) -> None:
    columns = {name for name, _ in SHOWN[table]}
    assert set(METRICS[table]) - {"Mean time", "Flows"} <= columns


def test_it_leads_to_the_same_for_programs_and_to_a_file() -> None:
    html = behind("Services", "/api/v1/services", table="services", sheet="services.csv", socket="/run/x")
    links = [one["href"] for name, one in read(html).tags if name == "a"]
    assert links == ["/api/v1/services", "/csv/services.csv"]
    line = re.search(r"curl --unix-socket /run/x 'http://(\w+)/api/v1/services'", read(html).text)
    assert line
    assert line[1] in LOOPBACK_NAMES, "the control socket answers to no other name"


@pytest.mark.parametrize("path", [*(to for to, _ in PLACES), "/pools/web", "/pools/web/a", "/changes/1"])
def test_every_page_leads_to_places_that_there_are(path: str) -> None:
    made = Admin(sample.control())
    html = made.get(path).body.decode()
    for _, one in read(html).tags:
        href = (one.get("href") or "").partition("?")[0]
        if href.startswith("/csv/"):
            assert href.removeprefix("/csv/").removesuffix(".csv") in COLUMNS
        elif href.startswith("/api/"):
            patterns = [re.sub(r"{\w+}", "[^/]+", route.path) for route in ROUTES if route.method == "GET"]
            assert any(re.fullmatch(pattern, href) for pattern in patterns), href
