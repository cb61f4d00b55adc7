from __future__ import annotations

from typing import Any

from director.admin.pages.schedulers import schedulers
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read

OWN = {"file": "/etc/x.py:<i>", "budget": 0.0002}
FOUND: list[dict[str, Any]] = [
    {"scheduler": "dh", "text": "By address.", "used_by": [], "own": None},
    {"scheduler": "mine", "text": "", "used_by": ["pool web"], "own": OWN},
]


def test_who_chooses_for_somebody_stands_first() -> None:
    text = read(schedulers(FOUND, looks.ONLOOKER)).text
    assert text.index("mine") < text.index("By address.")
    assert "nobody" in text
    assert "built in" in text


def test_one_of_the_users_own_says_where_it_is_and_what_it_may_cost() -> None:
    page = schedulers(FOUND, looks.ONLOOKER)
    assert "/etc/x.py:<i>" in read(page).text
    assert "may take 0.2 ms a choice" in read(page).text
    assert "<i>" not in page
