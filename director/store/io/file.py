"""Files that are replaced as a whole, and the store in one of them.

A reader sees the old or the new content, never a part, whatever ends the process in between.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.errors import StoreError
from director.store.kept import LARGEST, Kept, Writer, begun, decode

NAME = "orders.json"

_log = Logger(namespace="director")


def replace(path: Path, content: bytes, mode: int, *, sync: bool = True) -> None:
    """Write beside, then rename: the file is whole, and as private as `mode` says, at every moment.

    `sync` waits until it is on the disk, which may take long: not on the reactor's thread under traffic.
    Raises OSError, with nothing left behind.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            if os.geteuid() == 0:
                # `twistd --uid` begins as root and goes on as the folder's owner.
                folder = path.parent.stat()
                os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
            file.write(content)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


class FileStore:
    """The store in `state_dir`, whose one writer is this process.

    Attributes:
        path: the file.
    """

    def __init__(self, state_dir: Path, reactor: Any) -> None:
        self.path = state_dir / NAME
        self._reactor = reactor
        self._writer = Writer()
        self._written = ""

    def load(self) -> Kept:
        """What the last run kept.

        A file that cannot be used is set aside, so that the next change does not write over it.
        Raises StoreError with a sentence that says where it is now.
        """
        try:
            with self.path.open("rb") as file:
                self._demand_ours(os.fstat(file.fileno()))
                content = file.read(LARGEST + 1)
            if len(content) > LARGEST:
                raise StoreError(f"it has more than {LARGEST} octets")  # noqa: TRY301 - told like the others
            kept = decode(content.decode())
        except FileNotFoundError:
            kept = begun()
        except (OSError, UnicodeDecodeError, StoreError) as error:
            raise StoreError(self._set_aside(error)) from error
        return kept if kept.nonce else evolve(begun(), overlay=kept.overlay)

    def _demand_ours(self, facts: os.stat_result) -> None:
        """Raise StoreError for orders that somebody else may have written: the director would obey."""
        folder = self.path.parent.stat()
        if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise StoreError("others can write it, and the director would obey")
        # `twistd --uid` keeps it as the folder's owner and may be started as root.
        if facts.st_uid not in {0, os.geteuid(), folder.st_uid}:
            raise StoreError(f"it belongs to the user {facts.st_uid}, whom the director would obey")
        if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
            raise StoreError(f"anybody can replace it; chmod o-w {self.path.parent}")

    def _set_aside(self, why: Exception) -> str:
        aside = self.path.with_suffix(".broken")
        try:
            self.path.replace(aside)
        except OSError as error:
            where = f"it stands in the way ({error.strerror}): remove it"
        else:
            where = f"it is {aside} now"
        reason = getattr(why, "strerror", None) or why
        return f"what the last run kept in {self.path} cannot be used: {reason}; {where}"

    def save(self, kept: Kept) -> Deferred[None]:
        """Write it.

        When the result fires it outlives the process; that it outlives a power cut, too, is seen to in a
        thread right after.
        """
        text = self._writer.encode(kept)
        if text == self._written:
            return succeed(None)
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            # A rule's values may hold secrets.
            replace(self.path, text.encode(), 0o600, sync=False)
        except OSError as error:
            self._written = ""
            return fail(StoreError(f"{self.path}: {error.strerror}; make room, or make it writable"))
        self._written = text
        pool = self._reactor.getThreadPool()
        deferToThreadPool(self._reactor, pool, self.sync).addErrback(self._not_synced)
        return succeed(None)

    def watch(self, changed: Callable[[Kept], None]) -> Callable[[], None]:
        """Nobody else writes here, so there is nothing to tell."""
        return lambda: None

    def sync(self) -> None:
        """Wait until the file is on the disk; for a thread.  Raises OSError."""
        for path in (self.path, self.path.parent):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    @staticmethod
    def _not_synced(failure: Failure) -> None:
        _log.warn("changes may not outlive a power cut: {why}", why=failure.getErrorMessage())
