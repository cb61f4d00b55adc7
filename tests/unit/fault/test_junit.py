from __future__ import annotations

from xml.etree import ElementTree as ET

from director.fault.junit import junit
from director.fault.sheet import sheet
from tests.unit.fault.sample_runs import drill, record, sample
from tests.unit.fault.test_sheet import HIT


def read(*, broken: bool, fired: bool) -> ET.Element:
    slow = [sample(12, seconds=9.0, asked='GET /<a>&"b"\x01')] if broken else []
    run = record(*(sample(number) for number in range(13, 30)), *slow, faults=[HIT] if fired else [])
    made = drill(during="slowest < 1s, ok >= 99%")
    return ET.fromstring(junit([sheet(made, run, 7)]).encode())


def counts(suites: ET.Element) -> tuple[str, ...]:
    (suite,) = suites
    return tuple(suite.attrib[name] for name in ("tests", "failures", "errors", "skipped"))


def test_a_pass() -> None:
    assert counts(read(broken=False, fired=True)) == ("2", "0", "0", "0")


def test_a_failure_has_its_stories() -> None:
    found = read(broken=True, fired=True)
    assert counts(found) == ("2", "1", "0", "0")
    failure = found.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"] == "9.00 s"
    assert '#12 GET /<a>&"b" id=drill-r-12' in str(failure.text)


def test_void_is_an_error_and_no_success() -> None:
    found = read(broken=False, fired=False)
    assert counts(found) == ("3", "0", "1", "2")
    error = found.find(".//error")
    assert error is not None
    assert "never started" in error.attrib["message"]
