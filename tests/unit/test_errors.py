from __future__ import annotations

import errno
import os

import pytest
from twisted.internet.error import CannotListenError

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


@pytest.mark.parametrize(
    ("code", "path", "said"),
    [
        (errno.EADDRINUSE, "", "the address is in use; stop the other program"),
        (errno.EACCES, "", "ports below 1024 need CAP_NET_BIND_SERVICE"),
        (errno.EACCES, "/run/x/control.sock", "Permission denied; make its directory writable"),
        (errno.EROFS, "/run/x/control.sock", "Read-only file system; make its directory writable"),
        (errno.EADDRINUSE, "/run/x/control.sock", "Address already in use; stop the other program (ss -lxp"),
        (errno.EADDRNOTAVAIL, "", "this machine does not have that address"),
        (errno.ENOBUFS, "", "No buffer space available"),
    ],
)
def test_who_cannot_listen_hears_what_to_do(code: int, path: str, said: str) -> None:
    error = OSError(code, os.strerror(code), "some file")
    assert errors.unbound(error, path).startswith(said)
    assert errors.unbound(CannotListenError("", 80, error), path).startswith(said)


def test_what_is_no_errno_is_said_as_it_is() -> None:
    assert errors.unbound(errors.DirectorError("too long for a unix socket")) == "too long for a unix socket"
