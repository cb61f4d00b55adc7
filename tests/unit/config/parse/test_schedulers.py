from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.config.parse.schedulers import (
    BUILT_IN,
    PythonClass,
    check_known,
    check_name,
    python_class,
    scheduler,
)
from director.config.text.messages import BadValue
from director.config.text.reader import Piece, Value
from director.model.pools import SchedulerSpec
from tests.unit.config.reading import refuses_at_a_place


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wlc", SchedulerSpec("wlc")),
        ("sh port fallback", SchedulerSpec("sh", flags=("port", "fallback"))),
        ("sh sh-port,sh-fallback", SchedulerSpec("sh", flags=("port", "fallback"))),
        ("hash(cookie  sid)", SchedulerSpec("hash", "cookie sid")),
        ("hash(cookie sid) else wlc", SchedulerSpec("hash", "cookie sid", (), SchedulerSpec("wlc"))),
        (
            "hash(path.1) else mh port else rr",
            SchedulerSpec("hash", "path.1", (), SchedulerSpec("mh", "", ("port",), SchedulerSpec("rr"))),
        ),
    ],
)
def test_forms(text: str, expected: SchedulerSpec) -> None:
    written = scheduler(text)
    check_known(written, BUILT_IN, text)
    assert written.scheduler == expected
    assert scheduler(str(expected)).scheduler == expected


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("wcl", 0),
        ("rr port", 3),
        ("wlc(x)", 0),
        ("hash(", 4),
        ("hash()", 5),
        ("wlc else", 4),
        ("else rr", 0),
        ("hash(x) else wcl", 13),
        ("sh mh-port", 3),
        ("a else b else c else d else e", 28),
        ("(x)", 0),
    ],
)
def test_mistakes(text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        check_known(scheduler(text), BUILT_IN, text)
    assert caught.value.start == start


@given(st.text(alphabet="abhs (),-else", max_size=20))
def test_nothing_but_bad_value_is_raised(text: str) -> None:
    refuses_at_a_place(lambda given: check_known(scheduler(given), BUILT_IN, given), text)


def test_all_schedulers_of_lvs_are_known() -> None:
    assert {
        "rr",
        "wrr",
        "lc",
        "wlc",
        "lblc",
        "lblcr",
        "dh",
        "sh",
        "sed",
        "nq",
        "fo",
        "ovf",
        "mh",
        "twos",
        "http",
        "hhttp",
        "phttp",
        "chttp",
    } <= set(BUILT_IN)


def test_classes_of_the_users_own() -> None:
    def value(text: str) -> Value:
        return Value(text, text, "etc/a.ini", (Piece(0, 1, 1, text),))

    assert python_class(value("s.py:Tenant")) == PythonClass("etc/s.py", "Tenant")
    for text in ("s.py", "s.py:", ":X", "s.py:a-b", ""):
        with pytest.raises(BadValue):
            python_class(value(text))
    assert check_name("tenant") == "tenant"
    for text in ("else", "a b", "x.y"):
        with pytest.raises(BadValue):
            check_name(text)
