from __future__ import annotations

from director.cli.output import listings
from director.cli.output.table import UNBOUNDED
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin


def admin() -> Admin:
    made = Admin()
    sample.fill(made.control)
    sample.trouble(made.control)
    return made


def test_nothing_is_no_table() -> None:
    assert listings.POOLS([]) == "No pools.\n"


def test_all_tables_fit_into_eighty_columns() -> None:
    made = admin()
    for thing, place in (
        ("services", "services"),
        ("pools", "pools"),
        ("servers", "pools/web/servers"),
        ("rules", "rules"),
        ("checks", "checks"),
    ):
        text = getattr(listings, thing.upper())(made.get(f"/api/v1/{place}").json)
        assert max(len(line) for line in text.splitlines()) <= 80, text


def test_a_server_that_is_down_says_why() -> None:
    made = admin()
    pools = made.get("/api/v1/pools").json
    text = listings.SERVERS([server for pool in pools for server in pool["servers"]])
    assert "images/i" in text
    assert "(alive: connection" in text
    assert "draining, 17 left" in text


def test_a_pool_that_cannot_serve_says_why_and_whom_it_serves() -> None:
    text = listings.POOLS(admin().get("/api/v1/pools").json)
    row = " ".join(text[text.index("images") :].split())
    assert "l7:www (CANNOT SERVE: every server is down or in maintenance)" in row


def test_what_keeps_services_from_working_is_told_once() -> None:
    found = admin().get("/api/v1/services").json
    one = {"address": "tcp 192.0.2.1:80", "bound": False, "error": "layer 4 is off: no CAP_NET_RAW."}
    many = [{**found[0], "key": f"l4:{number}", "listeners": [one]} for number in range(7)]
    text = listings.SERVICES([*many, {**found[0], "key": "l7:www"}])
    assert text.count("(NOT SERVED)") == 7
    assert text.endswith("\n\nl4:0, l4:1, l4:2, l4:3, l4:4 and 2 more:\n  layer 4 is off: no CAP_NET_RAW.\n")


def test_connections_are_shown_as_ipvsadm_shows_them() -> None:
    # lvs-semantics I.3: expire is mm:ss, templates have client port 0.
    row = {
        "protocol": "TCP", "expires": 119.7, "state": "FIN_WAIT", "client": "192.0.2.7:40123",
        "virtual": "198.51.100.1:80", "target": "10.0.0.11:80",
    }  # fmt: skip
    lines = listings.CONNECTIONS([row]).splitlines()
    assert lines[0].split() == ["PRO", "EXPIRE", "STATE", "CLIENT", "VIRTUAL", "SERVER"]
    assert lines[1].split() == [
        "TCP", "01:59", "FIN_WAIT", "192.0.2.7:40123", "198.51.100.1:80", "10.0.0.11:80",
    ]  # fmt: skip
    assert listings.CONNECTIONS([]) == "No connections.\n"


def test_a_full_page_of_connections_says_where_the_rest_is() -> None:
    assert listings.older([{"id": 8}, {"id": 7}], 3) == ""
    assert "the 2 newest; after=7 shows older ones" in listings.older([{"id": 8}, {"id": 7}], 2)
    assert listings.older([], 0) == ""


def test_a_wide_table_has_what_lvs_shows() -> None:
    """Method, active, inactive, persistent, thresholds; of a service scheduler and persistence, too."""
    made = admin()
    servers = [server for pool in made.get("/api/v1/pools").json for server in pool["servers"]]
    services = made.get("/api/v1/services").json
    head, *rows = listings.WIDE_SERVERS(listings.with_methods(servers, services), UNBOUNDED).splitlines()
    assert head.split() == [
        "SERVER", "ADDRESS", "METHOD", "WEIGHT", "ACTIVE", "INACTIVE", "PERSISTENT", "MIN", "MAX", "REQ/S",
        "SINCE", "STATE",
    ]  # fmt: skip
    assert len(rows) == len(servers)
    one = {**servers[0], "forward": "tun", "active": 3, "inactive": 12, "persistent": 2, "min": 5, "max": 20}
    row = listings.WIDE_SERVERS(listings.with_methods([one], services), UNBOUNDED).splitlines()[1]
    assert row.split()[2:9] == [
        "tun", str(one["weight"]), "3", "12", "2", "5", "20",
    ]  # fmt: skip
    dns = next(
        row for row in listings.WIDE_SERVICES(services, UNBOUNDED).splitlines() if row.startswith("l4:dns")
    )
    assert {"udp", "nat"} <= set(dns.split())
    assert listings.WIDE_SERVERS([]) == "No servers.\n"


def test_a_server_that_was_full_says_when_it_takes_more() -> None:
    made = admin()
    server = made.get("/api/v1/pools/web/servers").json[0]
    text = listings.SERVERS([{**server, "status": "full", "note": "nothing new until it has fewer than 3"}])
    assert "fewer than 3" in " ".join(text.split())


def test_a_service_that_is_stopped_says_so() -> None:
    www = next(one for one in admin().get("/api/v1/services").json if one["key"] == "l7:www")
    assert "127.0.0.1:8080, [::1]:8080 (stopped)" in " ".join(
        listings.SERVICES([{**www, "start": False, "listeners": []}], UNBOUNDED).split()
    )


def test_a_pool_that_nobody_uses_is_not_missed() -> None:
    web = next(one for one in admin().get("/api/v1/pools").json if one["name"] == "web")
    text = listings.POOLS([{**web, "used_by": [], "why_none": "the pool has no servers"}])
    assert text.splitlines()[1].endswith("not used")
