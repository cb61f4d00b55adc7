from __future__ import annotations

import pytest

from director import errors


@pytest.mark.parametrize(
    "error", [errors.LeaseError, errors.ChangeRefused, errors.SchedulerError, errors.ConfigError]
)
def test_ours_are_one_family(error: type[Exception]) -> None:
    assert issubclass(error, errors.DirectorError)
    assert not issubclass(error, errors.TheirsError)


@pytest.mark.parametrize("error", [errors.MessageError, errors.PacketError])
def test_theirs_are_another(error: type[Exception]) -> None:
    assert issubclass(error, errors.TheirsError)
    assert not issubclass(error, errors.DirectorError)


def test_a_refused_change_says_what_and_where() -> None:
    error = errors.ChangeRefused("EEXIST", "pool web exists already", at="pool web")
    assert (error.code, str(error), error.at) == ("EEXIST", "pool web exists already", "pool web")


def test_a_message_error_carries_the_answer() -> None:
    error = errors.MessageError(400, "two lengths")
    assert (error.status, error.reason, str(error)) == (400, "two lengths", "two lengths")


def test_a_packet_error_names_its_counter() -> None:
    assert errors.PacketError("short_tcp").reason == "short_tcp"


def test_a_config_error_keeps_every_problem() -> None:
    error = errors.ConfigError(("a", "b"))
    assert error.problems == ("a", "b")
    assert str(error).startswith("2 ")
