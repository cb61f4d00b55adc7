from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from director.fault.picture import HEIGHT, TOP, page, svg, up
from director.fault.samples import Happening
from director.fault.sheet import Sheet, sheet
from tests.unit.fault.sample_runs import drill, record, sample
from tests.unit.fault.test_sheet import HIT


def told() -> Sheet:
    samples = [sample(number, injected=[["web/a", "x"]]) for number in range(11, 30)]
    events = [Happening(1.0, "step", 'start "<x>"'), Happening(1.4, "server", "web/a takes no work any more")]
    run = record(*samples, sample(33, "heal", seconds=9.0), faults=[HIT], happenings=events)
    return sheet(drill(during="ok >= 99%", after="slowest < 1s"), run, 7)


def test_the_picture_is_xml_with_every_request_and_event() -> None:
    found = ET.fromstring(svg(told()))
    assert len(found.findall("circle")) == 30
    titles = [str(one.text) for one in found.iter("title")]
    assert '1.00 s: start "<x>"' in titles
    assert sum("hit" in title for title in titles) == 19


@pytest.mark.parametrize("seconds", [0.0, 0.0001, 0.001, 1.0, 30.0, 1e6])
def test_every_time_stands_inside(seconds: float) -> None:
    assert TOP <= up(seconds) <= TOP + HEIGHT


def test_longer_is_higher() -> None:
    assert up(0.001) > up(0.1) > up(10.0)


def test_the_page_stands_alone_and_holds_no_markup_of_others() -> None:
    found = page([told()])
    assert "<x>" not in found
    assert not re.search(r"<script|src=|href=|https?://", found)
    assert "slowest &lt; 1s" in found
    assert 'class="fail"' in found
