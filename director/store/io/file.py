"""Files that are replaced as a whole, and the one that keeps the orders.

A reader sees the old or the new content, never a part, whatever ends the process in between.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from director.errors import StoreError
from director.store.document import LARGEST, decode, encode
from director.store.overlay import Order, Place

NAME = "orders.json"


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
            file.write(content)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


class OrdersFile:
    """The orders in `state_dir`.

    Attributes:
        path: the file.
        failed: what kept the last orders from being written, or "".
    """

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / NAME
        self.failed = ""
        self._kept = encode({})

    def read(self) -> dict[Place, Order]:
        """The orders of the last run; none when there is no file.

        A file that cannot be used is set aside, so that the next order does not write over it.
        Raises StoreError with a sentence that says where it is now.
        """
        try:
            with self.path.open("rb") as file:
                content = file.read(LARGEST + 1)
            if len(content) > LARGEST:
                raise StoreError(f"it has more than {LARGEST} octets")  # noqa: TRY301 - told like the others
            orders = decode(content.decode())
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, StoreError) as error:
            raise StoreError(self._set_aside(error)) from error
        self._kept = encode(orders)
        return orders

    def _set_aside(self, why: Exception) -> str:
        aside = self.path.with_suffix(".broken")
        try:
            self.path.replace(aside)
        except OSError as error:
            where = f"it stands in the way ({error.strerror}): remove it"
        else:
            where = f"it is {aside} now"
        reason = getattr(why, "strerror", None) or why
        return f"the orders of the last run in {self.path} cannot be used: {reason}; {where}"

    def keep(self, orders: dict[Place, Order]) -> bool:
        """Make `orders` those of the next start; returns whether there was anything to write.

        From then on they outlive the process.  Outliving a power cut takes `sync`.  A failure is in
        `failed`, and the next call tries again.
        """
        text = encode(orders)
        if text == self._kept:
            return False
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            replace(self.path, text.encode(), 0o640, sync=False)
        except OSError as error:
            self.failed = f"{self.path}: {error.strerror}"
            return True
        self.failed = ""
        self._kept = text
        return True

    def sync(self) -> None:
        """Wait until the file is on the disk; for a thread.  Raises OSError."""
        for path in (self.path, self.path.parent):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
