from __future__ import annotations

from director.admin.pages.access import access
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read

STAMP = "2026-11-30T12:00:00.000Z"
SESSION = {
    "id": "s1", "user": "ops <x>", "role": "operator", "from": "10.0.0.9", "opened": STAMP, "used": STAMP,
    "current": True,
}  # fmt: skip
TOKEN = {
    "id": "t1", "user": "ops", "role": "viewer", "note": "<i>", "by": "root", "made": STAMP, "expires": None,
}  # fmt: skip


def test_who_is_signed_in_is_told_with_a_button_to_end_it() -> None:
    page = access([SESSION], None, looks.ONLOOKER)
    text = read(page).text
    for part in ("ops <x>", "10.0.0.9", "this one"):
        assert part in text
    assert 'value="end session"' in page
    assert "API tokens" not in text
    assert "/act" not in access([SESSION], [TOKEN], looks.BEARER)


def test_tokens_are_ended_by_an_admin_alone() -> None:
    assert 'value="end token"' in access([], [TOKEN], looks.ADMIN)
    assert 'value="end token"' not in access([], [TOKEN], looks.OPERATOR)
    assert "with its user" in access([], [TOKEN], looks.ADMIN)
    assert "<i>" not in access([], [TOKEN], looks.ADMIN)
