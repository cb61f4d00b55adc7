from __future__ import annotations

import csv
from io import StringIO

import pytest

from director.admin.spreadsheet import COLUMNS
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin


def rows(made: Admin, path: str) -> list[dict[str, str]]:
    reply = made.get(path)
    assert reply.status == 200, reply
    return list(csv.DictReader(StringIO(reply.body.decode(), newline="")))


@pytest.fixture
def made() -> Admin:
    control = sample.control()
    sample.fill(control)
    sample.trouble(control)
    return Admin(control)


@pytest.mark.parametrize("table", COLUMNS)
def test_each_table_is_a_file_with_all_its_columns(made: Admin, table: str) -> None:
    reply = made.get(f"/csv/{table}.csv")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.headers["Content-Disposition"] == f'attachment; filename="{table}.csv"'
    head = reply.body.decode().splitlines()[0].split(",")
    assert head == list(COLUMNS[table])
    assert made.ask("GET", f"/csv/{table}.csv").status == 401


def test_a_row_says_what_the_api_says(made: Admin) -> None:
    server = made.get("/api/v1/pools/web/servers/a").json
    row = next(one for one in rows(made, "/csv/servers.csv") if (one["pool"], one["name"]) == ("web", "a"))
    assert row["address"] == server["address"]
    assert int(row["requests"]) == server["requests"]
    assert int(row["responses.5xx"]) == server["responses"]["5xx"]
    assert row["errors"] == "connect 3"


def test_rows_are_filtered_as_on_the_page(made: Admin) -> None:
    assert {one["pool"] for one in rows(made, "/csv/servers.csv?pool=images")} == {"images"}
    assert [one["id"] for one in rows(made, "/csv/requests.csv?show=fault")] == ["f1"]


def test_another_name_is_no_table(made: Admin) -> None:
    reply = made.get("/csv/users.csv")
    assert reply.status == 404
    assert "servers" in reply.json["error"]
