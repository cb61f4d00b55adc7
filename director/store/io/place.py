"""The directory of runtime state: made at the start, and one director's at a time.

Two directors there would write each other's orders and take each other's control socket.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from director.errors import StoreError

Owner = tuple[int, int]
"""User and group."""


def held(path: Path) -> bool:
    """A director runs with `path` as its `state_dir`; nothing is made there."""
    if path == Path():
        return False
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(folder)
    return False


class Place:
    """`state_dir` while a director runs.

    The lock is the kernel's (flock(2) on the directory itself): it ends with the process, however that
    ends, and leaves no file that a later process with the same number would seem to hold.
    """

    def __init__(self, path: Path, owner: Owner | None = None) -> None:
        """`owner` is who the process will be when it has given up its rights; None = who it is."""
        self.path = path
        self._owner = owner
        self._held: int | None = None

    def take(self) -> None:
        """Make the directory, and have it alone.  Raises StoreError with a sentence that says what to do."""
        try:
            new = not self.path.exists()
            self.path.mkdir(mode=0o750, parents=True, exist_ok=True)
            held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if new and self._owner is not None:
                # Made by root for a process that will not be root any more.
                os.fchown(held, *self._owner)
        except OSError as error:
            raise StoreError(
                f"[director] state_dir = {self.path} cannot be made: {error.strerror}; "
                "name a directory that this user may write"
            ) from error
        if self.path == Path():
            # No state_dir: nothing is kept, and the directory of the moment is everybody's.
            os.close(held)
            return
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(held)
            raise StoreError(
                f"another director runs with [director] state_dir = {self.path} "
                f"(`fuser {self.path}` names it); stop it, wait until it has stopped, or give this one a "
                "directory of its own"
            ) from error
        except OSError:
            # A file system without locks: nobody can be kept out.
            os.close(held)
            return
        self._held = held

    @property
    def descriptor(self) -> int | None:
        """What holds the lock; it holds as long as anybody has it open."""
        return self._held

    def keep(self, descriptor: int) -> bool:
        """Have it with the director that left this lock; False when that has another directory."""
        try:
            same = os.path.samestat(os.fstat(descriptor), self.path.stat())
        except OSError:
            same = False
        if same:
            self._held = descriptor
        else:
            os.close(descriptor)
        return same

    def forget_socket(self, name: str) -> None:
        """Remove the control socket of a run that was killed, and Twisted's mark beside it.

        The mark holds a process number, which another program may have by now.
        """
        if self._held is not None:
            for one in (self.path / name, self.path / f"{name}.lock"):
                with contextlib.suppress(OSError):
                    one.unlink()

    def leave(self) -> None:
        """Let another director have it."""
        held, self._held = self._held, None
        if held is not None:
            os.close(held)
