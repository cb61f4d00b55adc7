from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from director.cli import output
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin


def admin() -> Admin:
    made = Admin()
    sample.fill(made.control)
    sample.trouble(made.control)
    return made


def test_columns_are_aligned_and_numbers_stand_right() -> None:
    assert output.table(("NAME", "N", "WHAT"), [("a", 5, "x"), ("long", 100, "y")]) == (
        "NAME    N  WHAT\na       5  x\nlong  100  y\n"
    )


def test_the_last_column_is_wrapped_below_itself() -> None:
    assert output.table(("A", "WHAT"), [("x", "one two three four")], width=14) == (
        "A  WHAT\nx  one two\n   three four\n"
    )


def test_nothing_is_no_table() -> None:
    assert output.table(("A",), []) == ""
    assert output.pools([]) == "No pools.\n"


@given(st.text(), st.integers(1, 40))
def test_wrapping_keeps_every_word(text: str, room: int) -> None:
    lines = output.wrap(text, room)
    assert all(len(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(st.text())
def test_no_text_steers_the_terminal(text: str) -> None:
    assert output.clean(text).isprintable() or all(
        one.isprintable() or one in "\u2028\u2029 " or one.isspace() for one in output.clean(text)
    )
    assert "\x1b" not in output.clean(text)
    assert "\n" not in output.clean(text)


def test_all_tables_fit_into_eighty_columns() -> None:
    made = admin()
    for thing, place in (
        ("services", "services"),
        ("pools", "pools"),
        ("servers", "pools/web/servers"),
        ("rules", "rules"),
        ("checks", "checks"),
    ):
        text = getattr(output, thing)(made.get(f"/api/v1/{place}").json)
        assert max(len(line) for line in text.splitlines()) <= 80, text


def test_a_server_that_is_down_says_why() -> None:
    made = admin()
    pools = made.get("/api/v1/pools").json
    text = output.servers([server for pool in pools for server in pool["servers"]])
    assert "images/i" in text
    assert "(alive: connection" in text
    assert "draining, 17 left" in text


def test_a_pool_that_cannot_serve_says_why_and_whom_it_serves() -> None:
    text = output.pools(admin().get("/api/v1/pools").json)
    row = " ".join(text[text.index("images") :].split())
    assert "l7:www (CANNOT SERVE: every server is down or in maintenance)" in row


def test_what_keeps_services_from_working_is_told_once() -> None:
    found = admin().get("/api/v1/services").json
    one = {"address": "tcp 192.0.2.1:80", "bound": False, "error": "layer 4 is off: no CAP_NET_RAW."}
    many = [{**found[0], "key": f"l4:{number}", "listeners": [one]} for number in range(7)]
    text = output.services([*many, {**found[0], "key": "l7:www"}])
    assert text.count("(NOT SERVED)") == 7
    assert text.endswith("\n\nl4:0, l4:1, l4:2, l4:3, l4:4 and 2 more:\n  layer 4 is off: no CAP_NET_RAW.\n")


def test_why_tells_the_story_in_order() -> None:
    lines = output.why(admin().get("/api/v1/requests/g1").json).splitlines()
    assert lines[1] == "GET www.example.org/ from 127.0.0.1 at www"
    assert lines[2:] == [
        "  rule 200 users matched",
        "  pool web",
        "  2 of 3 servers eligible",
        "  wlc chose a: load 3, weight 2",
        "  connected in 0.3 ms",
        "  200 in 4 ms",
    ]


def test_changes_are_told() -> None:
    assert output.applied({"generation": 3, "diff": ["server web/a now weight=5"]}) == (
        "server web/a now weight=5\ngeneration 3 runs\n"
    )
    assert output.applied({"generation": 3, "diff": []}) == "nothing changed; generation 3 runs\n"
    assert output.applied({"dry_run": True, "diff": ["x"]}) == "would do: x\n"
    assert output.applied({"dry_run": True, "diff": []}) == "nothing would change\n"


def test_problems_are_counted() -> None:
    found = [{"severity": "error", "at": "a.ini:1:2", "message": "bad"}]
    assert output.problems(found) == "a.ini:1:2: error: bad\n1 error, no warnings\n"
    assert output.count(0, 2) == "no errors, 2 warnings"


def test_units() -> None:
    assert [output.ago(one) for one in (None, 59, 60, 3600, 90000)] == ["-", "59s", "1m", "1h", "1d"]
    assert [output.duration(one) for one in (None, 0.0005, 2)] == ["-", "0.5 ms", "2 s"]
    assert json.dumps(output.rate(None)) == '"-"'


def test_connections_are_shown_as_ipvsadm_shows_them() -> None:
    # lvs-semantics I.3: expire is mm:ss, templates have client port 0.
    row = {
        "protocol": "TCP", "expires": 119.7, "state": "FIN_WAIT", "client": "192.0.2.7:40123",
        "virtual": "198.51.100.1:80", "target": "10.0.0.11:80",
    }  # fmt: skip
    lines = output.connections([row]).splitlines()
    assert lines[0].split() == ["PRO", "EXPIRE", "STATE", "CLIENT", "VIRTUAL", "SERVER"]
    assert lines[1].split() == [
        "TCP", "01:59", "FIN_WAIT", "192.0.2.7:40123", "198.51.100.1:80", "10.0.0.11:80",
    ]  # fmt: skip
    assert output.connections([]) == "No connections.\n"
    assert output.connections([row] * 999).count("\n") == 1000
    assert "after=7 shows older ones" in output.connections([{**row, "id": 7}] * 1000)
    assert "after=7 shows older ones" in output.connections([{**row, "id": 7}] * 5, 5)


def test_a_wide_table_has_what_lvs_shows() -> None:
    """Method, active, inactive, persistent, thresholds; of a service scheduler and persistence, too."""
    made = admin()
    servers = [server for pool in made.get("/api/v1/pools").json for server in pool["servers"]]
    services = made.get("/api/v1/services").json
    head, *rows = output.wide_servers(servers, services).splitlines()
    assert head.split() == [
        "SERVER", "ADDRESS", "METHOD", "WEIGHT", "ACTIVE", "INACTIVE", "PERSISTENT", "MIN", "MAX", "REQ/S",
        "SINCE", "STATE",
    ]  # fmt: skip
    assert len(rows) == len(servers)
    one = {**servers[0], "forward": "tun", "active": 3, "inactive": 12, "persistent": 2, "min": 5, "max": 20}
    assert output.wide_servers([one], services).splitlines()[1].split()[2:9] == [
        "tun", str(one["weight"]), "3", "12", "2", "5", "20",
    ]  # fmt: skip
    dns = next(row for row in output.wide_services(services).splitlines() if row.startswith("l4:dns"))
    assert {"udp", "nat"} <= set(dns.split())
    assert output.wide_servers([], []) == "No servers.\n"


def test_a_server_that_was_full_says_when_it_takes_more() -> None:
    made = admin()
    server = made.get("/api/v1/pools/web/servers").json[0]
    text = output.servers([{**server, "status": "full", "note": "nothing new until it has fewer than 3"}])
    assert "fewer than 3" in " ".join(text.split())
