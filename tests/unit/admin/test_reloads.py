from __future__ import annotations

import pytest

from director.admin.control import Rehearsed, WaitingReload
from director.errors import ChangeRefused, DirectorError
from director.registry.reload_guard import DEFAULT
from tests.unit.admin.wire import Admin


def test_a_reload_may_wait_for_its_confirmation() -> None:
    made = Admin()
    told = made.send("POST", "/api/v1/config/reload?confirm=60s", {})
    assert told.status == 200
    waiting = {"generation": 2, "author": "the admin token", "seconds": 60.0, "guard": DEFAULT}
    assert told.json["confirm"] == waiting
    assert made.get("/api/v1/config/confirm").json == {"waiting": waiting}
    rehearsed = made.send("POST", "/api/v1/config/confirm?dry_run=1", {}).json
    assert rehearsed["diff"] == ["generation 2 is confirmed"]
    assert made.send("POST", "/api/v1/config/confirm", {}).json == {"confirmed": 2}
    assert made.get("/api/v1/config/confirm").json == {"waiting": None}
    assert made.send("POST", "/api/v1/config/confirm", {}).status == 409
    assert made.send("POST", "/api/v1/config/reload", {}).json["confirm"] is None


def test_its_guard_is_as_asked_for() -> None:
    made = Admin()
    query = "confirm=1m&guard=5xx%20%3E%205%25"
    assert made.send("POST", f"/api/v1/config/reload?{query}", {}).json["confirm"]["guard"] == "5xx > 5%"
    assert made.control.unconfirmed == WaitingReload(2, "the admin token", 60.0, "5xx > 5%")


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("confirm=60", "confirm"),
        ("confirm=", "confirm"),
        ("confirm=0s", "confirm"),
        ("confirm=2d", "confirm"),
        ("confirm=60s&guard=never", "guard"),
        ("guard=off", "guard"),
        ("confrim=60s", "confrim"),
    ],
)
def test_what_cannot_be_meant_reloads_nothing(query: str, at: str) -> None:
    made = Admin()
    told = made.send("POST", f"/api/v1/config/reload?{query}", {})
    assert (told.status, told.json["at"]) == (400, at)
    assert made.control.unconfirmed is None
    assert made.control.registry.generation == 1


def test_a_rehearsal_tells_which_requests_would_go_elsewhere() -> None:
    made = Admin()
    way = {"rule": "", "pool": "web", "status": 0, "location": ""}
    made.control.foreseen = Rehearsed((), 7, 1, 2, ({"id": "r1", "before": way, "after": way},))
    told = made.send("POST", "/api/v1/config/reload?dry_run=1", {}).json
    assert (told["replayed"], told["moved_count"], told["unsure"]) == (7, 1, 2)
    assert told["moved"] == [{"id": "r1", "before": way, "after": way}]


def test_an_upgrade_is_answered_by_who_goes_on() -> None:
    made = Admin()
    rehearsed = made.send("POST", "/api/v1/upgrade?dry_run=1", {}).json
    assert rehearsed == {"dry_run": True, "diff": ["a new program takes this one's place"]}
    assert made.send("POST", "/api/v1/upgrade", {}).json == {"pid": 4711, "version": "1.2"}
    made.control.upgraded = DirectorError("the new program does not take over: it ended with status 1")
    told = made.send("POST", "/api/v1/upgrade", {})
    assert (told.status, told.json["error"]) == (409, str(made.control.upgraded))
    made.control.upgraded = ChangeRefused("EBUSY", "an upgrade is under way", "upgrade")
    assert made.send("POST", "/api/v1/upgrade", {}).status == 409
