from __future__ import annotations

from attrs import evolve

from director.admin.pages.orders import Others
from director.admin.pages.server import server
from director.admin.pages.sparks import nothing
from director.admin.pages.viewer import Viewer
from director.admin.proofs import evidence_view
from director.registry.evidence import ServerEvidence
from tests.unit.admin.pages import looks
from tests.unit.admin.pages.test_html import read
from tests.unit.admin.test_proofs import FOUND, MOMENT, PROBE


def shown(found: ServerEvidence = FOUND, viewer: Viewer = looks.ADMIN) -> str:
    view = looks.pool(looks.troubled(), "images")["servers"][0]
    return server(view, evidence_view(found, MOMENT), Others(1, 3.0, "wlc"), nothing, viewer)


def test_how_the_verdict_came_about_is_told() -> None:
    text = read(shown()).text
    for part in (
        "up → down",
        "status 503",
        "3 of 3",
        "connect 100 ms, answer 200 ms",
        "2 flaps remembered",
        "with fall=2 there would have been 3 more flaps",
        "Ejected for its traffic",
        "5 in a row",
    ):
        assert part in text
    assert "with rise=3" not in text, "it would change nothing"


def test_what_a_server_answered_stays_text() -> None:
    (check,) = FOUND.checks
    hostile = evolve(check, results=(evolve(PROBE, reason="<script>x</script>", seen="<img src=x>"),))
    tags = [name for name, _ in read(shown(evolve(FOUND, checks=(hostile,)))).tags]
    assert "img" not in tags
    assert tags.count("script") == 1, "the page's own"


def test_without_a_check_it_says_what_that_means() -> None:
    assert "counts as up whatever it does" in shown(ServerEvidence())


def test_who_may_order_has_the_buttons_here_too() -> None:
    assert "Maintenance" in shown()
    assert "/act" not in shown(viewer=looks.ONLOOKER)
