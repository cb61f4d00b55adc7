from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from director.errors import DirectorError
from director.program.processes.bequest import AT_ONCE, leave, take


def test_more_than_one_message_takes_arrive_under_their_names(tmp_path: Path) -> None:
    count = 2 * AT_ONCE + 1
    files = {f"l7 127.0.0.1 {number} 0": (tmp_path / str(number)).open("w") for number in range(count)}
    here, there = socket.socketpair()
    with here, there:
        sending = threading.Thread(
            target=leave, args=(here, {name: file.fileno() for name, file in files.items()})
        )
        sending.start()
        found = take(there)
        sending.join()
    assert list(found) == list(files)
    for name, descriptor in found.items():
        assert os.fstat(descriptor).st_ino == os.fstat(files[name].fileno()).st_ino
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)
        files[name].close()


def test_nothing_at_all_arrives_as_nothing() -> None:
    here, there = socket.socketpair()
    with here, there:
        leave(here, {})
        assert take(there) == {}


def test_half_of_it_is_refused_and_closed(tmp_path: Path) -> None:
    here, there = socket.socketpair()
    with here, there, (tmp_path / "one").open("w") as one:
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, no paths
        socket.send_fds(here, [b'["one"]\n'], [one.fileno()])
        here.close()
        with pytest.raises(DirectorError, match="the running director is gone"):
            take(there)
        assert len(os.listdir("/proc/self/fd")) == before - 1  # noqa: PTH208 - as above


def test_a_process_without_room_for_them_says_so(tmp_path: Path) -> None:
    """The kernel cuts off what does not fit (MSG_CTRUNC of recvmsg(2)); here the message is too large."""
    here, there = socket.socketpair()
    with here, there, (tmp_path / "one").open("w") as one:
        socket.send_fds(here, [b"[]\n"], [one.fileno()] * (AT_ONCE + 1))
        with pytest.raises(DirectorError, match="raise LimitNOFILE"):
            take(there)
