from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import LogLevel
from twisted.python.failure import Failure

from director.program.processes.relay import Relay


class Told:
    """The control process's end."""

    def __init__(self, *, there: bool = True) -> None:
        self.open = there
        self.events: list[Any] = []

    def tell(self, word: str, value: Any) -> None:
        assert word == "event"
        self.events.append(value)


def event(level: LogLevel, namespace: str = "director.l7", **facts: Any) -> dict[str, Any]:
    return {
        "log_level": level,
        "log_namespace": namespace,
        "log_format": "{x}",
        "x": "é",
        "log_time": 5.0,
        **facts,
    }


def test_what_is_said_goes_to_the_control_process() -> None:
    relay, told = Relay(), Told()
    relay.channel = told  # type: ignore[assignment]
    relay(event(LogLevel.warn))
    relay(event(LogLevel.info, "twisted"))
    relay(event(LogLevel.debug))
    assert told.events == [[5.0, "warning", "director.l7", "é"]]
    relay(event(LogLevel.critical, "twisted", log_failure=Failure(KeyError("lost"))))
    assert told.events[1][:3] == [5.0, "error", "twisted"]
    assert "KeyError: 'lost'" in told.events[1][3]


@pytest.mark.parametrize("channel", [None, Told(there=False)])
def test_without_one_it_goes_to_standard_error(channel: Any, capfd: pytest.CaptureFixture[str]) -> None:
    relay = Relay()
    relay.channel = channel
    relay(event(LogLevel.warn))
    assert capfd.readouterr().err == "é\n"
