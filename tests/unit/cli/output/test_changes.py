from __future__ import annotations

from director.cli.output import changes


def test_changes_are_told() -> None:
    assert changes.applied({"generation": 3, "diff": ["server web/a now weight=5"]}) == (
        "server web/a now weight=5\ngeneration 3 runs\n"
    )
    assert changes.applied({"generation": 3, "diff": []}) == "nothing changed; generation 3 runs\n"
    assert changes.applied({"dry_run": True, "diff": ["x"]}) == "would do: x\n"
    assert changes.applied({"dry_run": True, "diff": []}) == "nothing would change\n"


def test_problems_are_counted() -> None:
    found = [{"severity": "error", "at": "a.ini:1:2", "message": "bad"}]
    assert changes.problems(found) == "a.ini:1:2: error: bad\n1 error, no warnings\n"
    assert changes.count(0, 2) == "no errors, 2 warnings"


def test_a_rehearsed_reload_says_who_would_go_elsewhere() -> None:
    web = {"rule": "", "pool": "web", "status": 0, "location": ""}
    moved = {"rule": "200 old", "pool": "", "status": 301, "location": "https://a.example/"}
    nowhere = {"rule": "", "pool": "", "status": 0, "location": ""}
    request = {"method": "GET", "host": "a.example", "target": "/old\x1b"}
    told = changes.reloaded(
        {
            "dry_run": True,
            "diff": [],
            "replayed": 9,
            "moved_count": 2,
            "unsure": 1,
            "moved": [
                {**request, "before": web, "after": moved},
                {**request, "before": moved, "after": nowhere},
            ],
        }
    )
    first, head, *rows = told.splitlines()
    assert first == "nothing would change"
    assert head == "of the last 9 requests 2 would go elsewhere; of 1 it cannot be said"
    assert rows[0].endswith(": pool web -> rule 200 old, 301 https://a.example/")
    assert rows[1].endswith(" -> nowhere")
    assert "\x1b" not in told
