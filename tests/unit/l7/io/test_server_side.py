from __future__ import annotations

from typing import Any

from director.l7.io.server_side import PendingStream, ServerSide


class Backends:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.told.append(name)


def side(client: Any = None) -> tuple[ServerSide, Backends]:
    backends: Any = Backends()
    made = ServerSide(backends, "a:1", client)
    made.stream = Backends()  # type: ignore[assignment]
    return made, backends


def test_one_that_is_idle_listens_to_nobody() -> None:
    made, backends = side()
    made.received(b"x")
    made.ended()
    made.blocked()
    made.drained()
    assert backends.told == ["spoke"]
    assert made.stream.told == ["abort", "close"]  # type: ignore[attr-defined]


def test_a_busy_one_tells_its_caller() -> None:
    caller = Backends()
    made, backends = side(caller)
    made.connected()
    made.received(b"x")
    made.ended()
    made.blocked()
    made.drained()
    made.lost("reset")
    assert caller.told == [
        "server_connected", "server_received", "server_ended", "server_blocked", "server_drained",
        "server_lost",
    ]  # fmt: skip
    assert backends.told == ["forget"]


def test_one_that_is_spent_is_dropped() -> None:
    made, backends = side()
    made.spent(0.0)
    assert backends.told == ["drop"]


def test_what_stands_for_a_connection_fails_once() -> None:
    caller = Backends()
    made, backends = side(caller)
    pending = PendingStream()
    given_up: list[bool] = []
    pending.give_up = lambda: given_up.append(True)
    pending.fail(made, "no such host")
    assert (caller.told, pending.gone) == (["server_lost"], True)
    pending.abort()
    assert given_up == []
    pending.fail(made, "again")
    assert backends.told == ["forget", "forget"]
