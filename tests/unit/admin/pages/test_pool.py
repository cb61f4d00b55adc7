from __future__ import annotations

from director.admin import overview
from director.admin.pages.orders import Others
from director.admin.pages.pool import pool
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read

OTHERS = Others(3, 24.0, "wlc")


def test_who_operates_has_a_button_for_each_other_state() -> None:
    view = looks.pool(looks.troubled(), "web")
    text = pool(view, OTHERS, looks.ADMIN)
    for one in view["servers"]:
        for state in ("ready", "drain", "maint"):
            button = f'name="value" value="{state}"'
            part = text[text.index(f'data-key="{one["name"]}"') :]
            part = part[: part.index("</article>")]
            assert (button in part) == (state != one["state"])


def test_who_only_looks_has_none() -> None:
    view = looks.pool(looks.troubled(), "web")
    assert "/act" in pool(view, OTHERS, looks.ADMIN)
    assert "/act" not in pool(view, OTHERS, looks.ONLOOKER)
    assert "/act" not in pool(view, OTHERS, looks.BEARER)


def test_a_pool_that_serves_nobody_says_why() -> None:
    text = read(pool(looks.pool(looks.troubled(), "images"), Others(), looks.ADMIN)).text
    assert "0 of 1 take new work" in text


def test_of_a_crowd_those_in_trouble_are_shown_and_the_rest_is_counted() -> None:
    context = looks.api(looks.troubled()).context()
    servers = context.seen.pools["web"].servers
    found = overview.pool(context.seen.pools["web"], context, 1)
    assert [one["state"] for one in found["servers"]] == ["drain"], "the one that was ordered away"
    assert f"… and {len(servers) - 1} more" in read(pool(found, OTHERS, looks.ADMIN)).text
