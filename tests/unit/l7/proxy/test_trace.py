from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.l7.proxy.trace import (
    FAULTS_KEPT,
    FIELDS,
    TEXT_LIMIT,
    Record,
    Traces,
    as_dict,
    json_line,
    text_line,
)

EPOCH = datetime(2026, 11, 21, 8, 0, tzinfo=UTC).timestamp()
PLAIN: dict[str, Any] = {
    "id": "0001", "time": 5.25, "service": "www", "client": "192.0.2.7", "method": "GET", "target": "/a?b",
    "host": "a.example",
    "rule": "100 images", "pool": "web", "sticky": False, "reason": ("wlc", 3, 4, 2, 5), "server": "a",
    "tries": (("b", "refused"),),
    "fault": "", "status": 200, "outcome": "ok", "sent": 612, "received": 0, "connect": 0.001,
    "first_byte": 0.0021, "total": 0.0034, "injected": (),
}  # fmt: skip
LINE = re.compile(
    r'(\S+) (\S+) "((?:[^"\\]|\\.)*)" (\d+) (.*?) (\d+)/(\d+)B svc=(\S+) '
    r'rule=(-|"(?:[^"\\]|\\.)*") pool=(\S+) '
    r"server=(\S+) by=(\S+) tries=(\d+) fault=(.*?) ms=(\S+)/(\S+)/(\S+) id=(\S+)\n"
)


def record(**changes: object) -> Record:
    assert not changes.keys() - set(FIELDS)
    return tuple({**PLAIN, **changes}[name] for name in FIELDS)


def test_a_text_line() -> None:
    assert text_line(record(), EPOCH) == (
        '2026-11-21T08:00:05.250Z 192.0.2.7 "GET a.example/a?b" 200 ok 0/612B svc=www '
        'rule="100 images" pool=web server=a by=wlc tries=1 fault=- ms=1.0/2.1/3.4 id=0001\n'
    )


def test_what_was_injected_stands_behind_the_id() -> None:
    met = record(injected=(("web/a", "a hangs"), ("web/b", 'b "x"')))
    assert text_line(met, EPOCH).endswith(' id=0001 injected="a hangs on web/a, b \\"x\\" on web/b"\n')
    assert as_dict(met, EPOCH)["injected"] == [["web/a", "a hangs"], ["web/b", 'b "x"']]


def test_a_text_line_of_what_was_refused() -> None:
    changes = {
        "rule": "",
        "pool": "",
        "server": "",
        "reason": None,
        "connect": None,
        "first_byte": None,
        "tries": (),
    }
    assert text_line(record(**changes), EPOCH).endswith(
        "rule=- pool=- server=- by=- tries=0 fault=- ms=-/-/3.4 id=0001\n"
    )
    assert " by=sticky " in text_line(record(sticky=True), EPOCH)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ('/a?b" 200 ok "', '/a?b\\" 200 ok \\"'),
        ("/a?\\", "/a?\\\\"),
        ("/\r\nGET", "/\\r\\nGET"),
        ("/\x1b[31m", "/\\u001b[31m"),
        ("/\x7f\x00", "/\\u007f\\u0000"),
        ("/\x85\u2028\xe9", "/\\u0085\\u2028\\u00e9"),
    ],
)
def test_nothing_a_client_sends_can_forge_a_line(target: str, shown: str) -> None:
    line = text_line(record(target=target), EPOCH)
    assert f'"GET a.example{shown}" 200 ' in line
    assert line.count("\n") == 1


@given(st.text(), st.text(), st.text(), st.text())
def test_a_line_is_one_line_of_plain_characters(method: str, host: str, target: str, rule: str) -> None:
    made = record(method=method, host=host, target=target, rule=rule)
    line = text_line(made, EPOCH)
    found = LINE.fullmatch(line)
    assert found is not None
    assert line[:-1].isascii()
    assert line[:-1].isprintable()
    assert json.loads(f'"{found[3]}"') == f"{method} {host}{target}"
    written = json_line(made, EPOCH)
    assert written[:-1].isascii()
    assert written[:-1].isprintable()
    assert json.loads(written)["target"] == target


@given(st.floats(0, 4e9))
def test_stamps_are_those_of_datetime(seconds: float) -> None:
    stamp = text_line(record(time=seconds), 0.0).split()[0]
    assert stamp.endswith("Z")
    assert abs(datetime.fromisoformat(stamp).timestamp() - seconds) <= 0.0011


def test_a_record_for_programs() -> None:
    found = as_dict(record(), EPOCH)
    assert found["time"] == EPOCH + 5.25
    assert (found["scheduler"], found["active"], found["inactive"], found["weight"], found["candidates"]) == (
        "wlc",
        3,
        4,
        2,
        5,
    )
    assert found["load"] == 7
    assert found["tries"] == [["b", "refused"]]
    assert found["times"] == {"connect": 0.001, "first_byte": 0.0021, "total": 0.0034}
    assert "reason" not in found
    assert as_dict(record(reason=None), EPOCH)["load"] is None
    assert json.loads(json_line(record(), EPOCH))["time"] == "2026-11-21T08:00:05.250Z"


def test_traces_are_bounded_and_found_by_id() -> None:
    traces = Traces(3)
    for number in range(5):
        traces.extend([record(id=f"{number}", status=number)])
    assert [found[0] for found in traces.last(9)] == ["4", "3", "2"]
    assert [found[0] for found in traces.last(1)] == ["4"]
    assert traces.last(0) == []
    assert traces.find("1") is None
    traces.extend([record(id="4", status=599)])
    found = traces.find("4")
    assert found is not None
    assert found[FIELDS.index("status")] == 599


def test_a_line_splits_at_spaces_whatever_went_wrong() -> None:
    refused = ("r-1", 0.0, "www", "192.0.2.7", "-", "-", "", "", "", False, None, "", (), (), "", 400,
               "refused: bad Host", 54, 0, None, None, 0.0)  # fmt: skip
    assert text_line(refused, 0.0) == (
        '1970-01-01T00:00:00.000Z 192.0.2.7 "- -" 400 refused 0/54B svc=www rule=- pool=- server=- by=- '
        'tries=0 fault=- ms=-/-/0.0 id=r-1 reason="bad Host"\n'
    )
    fallen = (*refused[:14], "page sorry", 503, "fault", *refused[17:])
    assert " 503 fault 0/54B " in text_line(fallen, 0.0)
    assert " fault=page:sorry ms=" in text_line(fallen, 0.0)


def test_what_clients_choose_is_kept_in_bounded_length() -> None:
    traces = Traces(2)
    long = record(target="/" + "t" * 16_000, host="h" * 30_000)
    traces.extend([long])
    traces.extend([record(target="/" + "t" * (TEXT_LIMIT - 1))])
    newest, oldest = traces.last(2)
    assert newest == record(target="/" + "t" * (TEXT_LIMIT - 1))
    assert oldest == record(target=long[5][:TEXT_LIMIT], host=long[6][:TEXT_LIMIT])
    assert text_line(long, EPOCH).count("t" * 16_000) == 1


def test_fault_answers_outlive_other_traffic() -> None:
    traces = Traces(1000)
    traces.extend([record(id="f1", fault="page sorry")])
    traces.extend([record(id=str(number)) for number in range(2000)])
    assert len(traces) == 1000
    assert [one[0] for one in traces.faults(9)] == ["f1"]
    found = traces.find("f1")
    assert found is not None
    assert found[FIELDS.index("fault")] == "page sorry"
    traces.extend([record(id=f"f{number}", fault="active a") for number in range(2, 300)])
    assert len(traces.faults(1000)) == FAULTS_KEPT
    assert traces.find("f1") is None


def test_a_line_without_a_status_says_so() -> None:
    text = text_line(record(method="TCP", target="10.0.0.1:5432", host="", status=0), EPOCH)
    assert ' "TCP 10.0.0.1:5432" - ok ' in text
    found = json.loads(json_line(record(method="TCP", status=0), EPOCH))
    assert (found["method"], found["status"]) == ("TCP", None)
