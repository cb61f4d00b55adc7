from __future__ import annotations

import pytest

from director.config.parse import values
from director.config.parse.values import Parser
from director.config.text.messages import BadValue
from director.config.text.reader import Piece, Value
from director.model.pools import Address


def value(text: str) -> Value:
    return Value(text, text, "etc/a.ini", (Piece(0, 1, 1, text),))


def test_small_parsers() -> None:
    assert values.SWITCH(value("Yes")) is True
    assert values.SWITCH(value("off")) is False
    assert values.NAMES(value("a, b c")) == ("a", "b", "c")
    assert values.PATH(value("../var")) == "var"
    assert values.FIELDS(value("A: b\nC: d:e")) == (("A", "b"), ("C", "d:e"))
    assert values.choice("x", "y")(value("y")) == "y"
    assert values.count(1, 5)(value("5")) == 5
    assert values.duration()(value("2s")) == 2.0
    assert values.size(0, 4096)(value("4k")) == 4096
    assert values.listeners(value(":80,\n[::]:80")).addresses == (Address(port=80), Address("::", 80))
    mixed = values.listeners(value(":80, :443 tls"))
    assert (mixed.addresses, mixed.tls) == ((Address(port=80), Address(port=443)), (Address(port=443),))
    assert values.listener(value("unix:x")) == Address(path="etc/x")
    assert values.status("404") == 404


@pytest.mark.parametrize(
    ("parser", "text", "start"),
    [
        (values.SWITCH, "", 0),
        (values.SWITCH, "maybe", 0),
        (values.NAME, "a b", 0),
        (values.NAMES, "a, a", 3),
        (values.NAMES, ",", 0),
        (values.NAMES, "a, b!", 3),
        (values.PATH, "", 0),
        (values.PATH, "a\nb", 2),
        (values.FIELDS, "A: b\nC", 5),
        (values.NETWORKS, "10.0.0.0/8 x", 11),
        (values.choice("x", "y"), "z", 0),
        (values.duration(0.1), "1ms", 0),
        (values.size(64, 4096), "8k", 0),
        (values.listeners, ":80 :81", 3),
        (values.listeners, ":80, :80", 5),
        (values.listeners, "", 0),
        (values.listener, "x", 0),
    ],
)
def test_mistakes(parser: Parser, text: str, start: int) -> None:
    with pytest.raises(BadValue) as caught:
        parser(value(text))
    assert caught.value.start == start
