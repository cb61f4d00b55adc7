from __future__ import annotations

import pytest

from director.admin.pages.orders import Others, card, share
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read


@pytest.mark.parametrize(
    ("weight", "others", "said"),
    [(1, 3, "25 % of new work"), (2, 0, "100 % of new work"), (0, 4, "0 % of new work"), (0, 0, "nobody")],
)
def test_a_weight_is_told_as_a_share(weight: int, others: int, said: str) -> None:
    assert share(weight, others).startswith(said)


def test_and_as_what_that_would_be_now() -> None:
    assert share(1, 3, 40.0) == "25 % of new work, about 10/s"


def test_one_that_takes_nothing_is_told_what_it_would_take() -> None:
    """The weights of those that do are 2, its own would be 1 of 3."""
    view = looks.pool(looks.troubled(), "web")
    drained = next(one for one in view["servers"] if one["state"] == "drain")
    text = read(card(drained, Others(2, 30.0, "wlc"), looks.ADMIN)).text
    assert "33 % of new work, about 10/s, once it takes some" in text


def test_where_a_weight_is_no_share_it_says_what_it_is() -> None:
    view = looks.pool(looks.troubled(), "web")["servers"][0]
    html = card(view, Others(3, None, "rr"), looks.ADMIN)
    assert "rr heeds only whether it is 0" in html
    assert "data-others" not in html


def test_a_server_with_checks_can_be_looked_at_now() -> None:
    checked, unchecked = (looks.pool(looks.troubled(), name)["servers"][0] for name in ("web", "dns"))
    assert "Check now" in card(checked, Others(), looks.ADMIN)
    assert "Check now" not in card(unchecked, Others(), looks.ADMIN)
