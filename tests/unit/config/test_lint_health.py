from __future__ import annotations

import pytest

from tests.support.configurations import read_ini

ONE = "[pool:web]\nserver.a = 10.0.0.1:80\n"
TWO = ONE + "server.b = 10.0.0.2:80\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ONE + "panic = 30%\n", "nobody judges these servers"),
        (ONE + "eject = 5xx\n", "50% of 1 server(s) is less than one: none is ever ejected"),
        (ONE + "eject = latency; max 100%\n", "a single server cannot be compared with others"),
        (ONE + "tls = on\ncheck = c\n[check:c]\nhttp = GET /\n", "the check c asks in clear text"),
        ("[check:c]\ntcp = connect\nevery = 1s\nevery.changing = 2s\n", "would be looked at less often"),
    ],
)
def test_what_does_nothing_is_said(text: str, message: str) -> None:
    assert any(message in one.message for one in read_ini(text).problems)


def test_what_is_meant_is_not() -> None:
    text = TWO + "eject = 5xx, latency\npanic = 50%\n"
    said = [one.message for one in read_ini(text).problems]
    assert said == ["no service or rule uses this pool"]
