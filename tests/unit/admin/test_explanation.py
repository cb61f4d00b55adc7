"""Traces told in sentences, by way of the view that is made of them."""

from __future__ import annotations

from typing import Any

import pytest

from director.admin import views
from director.admin.testing import record
from tests.unit.admin import sample


@pytest.mark.parametrize(
    ("known", "story"),
    [
        (
            {
                "pool": "web",
                "candidates": 12,
                "scores": {f"s{n}": f"load {n}" for n in range(12)},
                "scheduler": "lc",
                "server": "s0",
                "load": 0,
                "weight": 1,
                "status": 0,
            },
            [
                "no rule matched",
                "pool web",
                "12 of 3 servers eligible",
                *(f"s{n}: load {n}" for n in range(10)),
                "and 2 more",
                "lc chose s0: load 0, weight 1",
            ],
        ),
        (
            {
                "rule": "100 images",
                "pool": "web",
                "candidates": 3,
                "scheduler": "wlc",
                "server": "a",
                "load": 0,
                "weight": 2,
                "times": {"connect": 0.0003, "first_byte": 0.003, "total": 0.004},
            },
            [
                "rule 100 images matched",
                "pool web",
                "3 of 3 servers eligible",
                "wlc chose a: load 0, weight 2",
                "connected in 0.3 ms",
                "200 in 4 ms",
            ],
        ),
        (
            {
                "pool": "web",
                "candidates": 2,
                "server": "a",
                "sticky": True,
                "load": 1,
                "weight": 2,
                "status": 0,
                "outcome": "client_gone",
            },
            [
                "no rule matched",
                "pool web",
                "2 of 3 servers eligible",
                "the client's cookie DIRECTOR names a: load 1, weight 2",
                "the client went away",
            ],
        ),
        (
            {
                "pool": "gone",
                "tries": (("a", "connection refused"),),
                "fault": "page sorry",
                "status": 503,
                "outcome": "fault",
                "times": {},
            },
            [
                "no rule matched",
                "pool gone",
                "a was tried: connection refused",
                "the fault path answered: page sorry",
                "503",
            ],
        ),
        (
            {
                "pool": "web",
                "candidates": 1,
                "tries": (("pool web", "no_server: every server is down or in maintenance"),),
                "fault": "active i",
                "server": "i",
                "status": 200,
                "outcome": "fault",
                "times": {},
            },
            [
                "no rule matched",
                "pool web",
                "pool web has no server: every server is down or in maintenance",
                "the fault path answered: active i",
                "200",
            ],
        ),
    ],
)
def test_the_story_of_a_decision(known: dict[str, Any], story: list[str]) -> None:
    assert views.trace_view(record(**known), sample.control().snapshot())["story"] == story
