from __future__ import annotations

from director.cli.output import stories
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin


def test_why_tells_the_story_in_order() -> None:
    made = Admin()
    sample.fill(made.control)
    sample.trouble(made.control)
    lines = stories.why(made.get("/api/v1/requests/g1").json).splitlines()
    assert lines[1] == "GET www.example.org/ from 127.0.0.1 at www"
    assert lines[2:] == [
        "  rule 200 users matched",
        "  pool web",
        "  2 of 3 servers eligible",
        "  wlc chose a: load 3, weight 2",
        "  connected in 0.3 ms",
        "  200 in 4 ms",
    ]
