from __future__ import annotations

from director.admin import views
from director.admin.overview import pools
from director.admin.pages.wiring import SERVERS_DRAWN, Wired, width, wired, wiring
from tests.unit.admin.pages import looks


def found() -> Wired:
    context = looks.api(looks.troubled()).context()
    seen = context.seen
    return wired(
        [views.service_view(one, context) for one in seen.services.values()],
        [views.rule_view(one, context) for one in seen.configuration.rules],
        list(pools(context)),
    )


def test_every_wire_joins_two_boxes_of_neighbouring_things() -> None:
    picture = found()
    columns = {node.key: node.column for node in picture.nodes}
    assert len(columns) == len(picture.nodes), "a key names one box"
    assert {columns[one.end] - columns[one.start] for one in picture.wires} == {1}, "none goes behind a box"
    assert {node.column for node in picture.nodes} == {0, 1, 2, 3}


def test_both_layers_are_there_and_each_server_is_wired_to_its_pool() -> None:
    picture = found()
    layers = {node.key.partition(":")[0] for node in picture.nodes if node.column == 0}
    assert layers == {"l4", "l7"}
    wires = {(one.start, one.end) for one in picture.wires}
    assert ("pool web", "web/a") in wires


def test_what_no_rule_takes_has_a_box_and_a_line_of_its_own() -> None:
    picture = found()
    titles = {node.key: node.title for node in picture.nodes if node.column == 1}
    assert titles["rest of l7:www"] == "otherwise"
    assert titles["rest of l4:dns"] == "everything"
    wires = {(one.start, one.end) for one in picture.wires}
    assert {("l7:www", "rest of l7:www"), ("rest of l7:www", "pool web")} <= wires


def test_what_is_down_is_marked_and_said() -> None:
    picture = found()
    down = [node for node in picture.nodes if node.tone == "bad" and node.column == 3]
    assert down
    page = wiring(picture, looks.ADMIN)
    assert all(f'class="box bad" data-key="{node.key}"' in page for node in down)
    assert "(bad)" in page[page.index("As text") :]


def test_a_crowd_of_servers_shares_a_box() -> None:
    one = {"status": "up", "rate": 2.0, "address": "x:1"}
    servers = [{**one, "name": str(number)} for number in range(SERVERS_DRAWN)] + [
        {**one, "name": "l", "status": "down"}
    ]
    pool = {"name": "big", "eligible": 8, "total": 9, "scheduler": "rr", "servers": servers, "more": 0}
    picture = wired([], [], [pool])
    assert [node.title for node in picture.nodes] == ["big", "9 servers"]
    assert picture.nodes[1].more == "some are down"
    assert picture.wires[0].rate == 18.0
    assert wired([], [], [{**pool, "servers": servers[-1:], "more": 8}]).nodes[1:] == picture.nodes[1:]


def test_ten_times_the_traffic_is_three_units_wider() -> None:
    assert width(None) == width(0.0) == 1.0
    assert round(width(99.0) - width(9.0), 6) == 3.0
