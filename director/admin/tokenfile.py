"""The admin's token in `state_dir/admin.token`: made once, kept across restarts, private.

Called by `service` at start.  A file that others could read, or that is not ours, is not
trusted: it is replaced by a new token.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from director.store.io.file import replace

TOKEN_BYTES = 32
"""256 random bits; 43 characters in base64url."""
SHORTEST = 22
"""Characters of base64url that hold 128 bits."""
LONGEST = 512


def load_token(path: Path) -> tuple[str, str]:
    """The token, and a note for the log (empty when a good file was there).

    Raises OSError when the file can be neither read nor written.
    """
    try:
        return _read(path), ""
    except FileNotFoundError:
        note = f"made a new admin token in {path}"
    except ValueError as error:
        note = f"replaced the admin token: {path} {error}; sign in anew"
    return make_token(path), note


def make_token(path: Path) -> str:
    """A new token, in the file from then on.  Raises OSError, and the old one stays there."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(path, token.encode("ascii") + b"\n", 0o600)
    return token


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError("is not a plain file")
        if facts.st_uid != os.geteuid():
            raise ValueError("belongs to another user")
        if facts.st_mode & 0o077:
            raise ValueError("could be read by others")
        token = file.read(LONGEST).strip().decode("ascii", "replace")
    if len(token) < SHORTEST or not token.replace("-", "").replace("_", "").isalnum() or not token.isascii():
        raise ValueError("held no usable token")
    return token
