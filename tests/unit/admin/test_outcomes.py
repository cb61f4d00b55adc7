from __future__ import annotations

from attrs import evolve

from tests.unit.admin.wire import Admin

SERVER = "/api/v1/pools/web/servers/a"
CHANGE = [{"what": "server web/a", "before": {"weight": 2}, "after": {"weight": 9}}]


def test_a_rehearsal_and_the_deed_tell_the_same() -> None:
    made = Admin()
    rehearsed = made.send("PATCH", f"{SERVER}?dry_run=1", {"weight": 9}).json
    assert rehearsed == {"dry_run": True, "diff": rehearsed["diff"], "changes": CHANGE}
    done = made.send("PATCH", SERVER, {"weight": 9}).json
    assert done == {"generation": 2, "diff": rehearsed["diff"], "changes": CHANGE, "kept": True}
    undo = made.send("POST", "/api/v1/generations/2/undo?dry_run=1", {}).json["changes"]
    assert undo == [{"what": "server web/a", "before": {"weight": 9}, "after": {"weight": 2}}]


def test_what_is_so_already_is_no_change() -> None:
    made = Admin()
    done = made.send("PATCH", SERVER, {"weight": 2}).json
    assert done == {"generation": 1, "diff": [], "changes": [], "kept": True}


def test_what_is_gone_has_no_body_unless_it_could_not_be_kept() -> None:
    made = Admin()
    assert made.send("DELETE", "/api/v1/rules/200", {}).body == b""
    made.control = evolve(made.control, lost="the disk is full")
    again = Admin(control=made.control)
    told = again.send("DELETE", "/api/v1/rules/100", {})
    assert (told.status, told.json["kept"]) == (200, False)
