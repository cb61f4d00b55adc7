from __future__ import annotations

import argparse

import pytest

from director.cli.command import seconds, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [("30s", 30.0), ("1m30s", 90.0), ("250ms", 0.25), ("30", 30.0), ("2.5", 2.5), ("0", 0.0)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "-1", "1 s", "nan", "inf", "1e3", "1_0"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write 30s"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "x", "1.0", "1e3", "0x1", "1_0", "9" * 40])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="whole number"):
        whole(text)


def test_whole_numbers() -> None:
    assert (whole("-3"), whole("0")) == (-3, 0)
