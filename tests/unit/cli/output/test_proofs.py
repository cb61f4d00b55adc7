from __future__ import annotations

from director.admin.proofs import evidence_view
from director.cli.output.proofs import evidence
from tests.unit.admin.test_proofs import FOUND, MOMENT

HEAD = {"pool": "web", "name": "a", "address": "10.0.0.1:80", "status": "down", "note": ""}


def test_a_server_tells_why_it_is_down() -> None:
    text = evidence({**HEAD, **evidence_view(FOUND, MOMENT)}, 200)
    # 1 800 000 000 is 2027-01-15 08:00:00 UTC.
    for line in (
        "web/a at 10.0.0.1:80 is down",
        "check alive: down for 10s, 1 of 2 against; next in 1.5 s",
        "  07:59:50.000Z up -> down after 1m: status 503 (3 of 3)",
        "    07:59:49.000Z a request: 5xx",
        "  with fall=2 there would have been 3 more flaps",
        "  07:59:49.500Z ejected for 30s, until 08:00:19.500Z: 5 in a row",
    ):
        assert f"{line}\n" in text
    assert "connect 100 ms answer 200 ms" in text
    assert "with rise=3" not in text


def test_without_anything_there_is_little_to_say() -> None:
    nothing = {"checks": [], "traffic": {"failures": [], "ejections": [], "spared": 0}}
    assert evidence({**HEAD, "status": "up", **nothing}) == "web/a at 10.0.0.1:80 is up\nNo checks.\n"
