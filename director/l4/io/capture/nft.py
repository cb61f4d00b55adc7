"""Run nftables commands: by libnftables in this process where it is installed, else by `nft`.

Nothing here is fast enough for a packet; it is called at start, reload and stop, from a
thread.  The library is preferred because it needs no second program with capabilities of its
own (under `setcap` a child process would have none), and because its netlink socket can stay open:
the kernel ties a table that has an owner to the socket that made it.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from typing import Any, Protocol

from director.errors import DirectorError

PATH = os.pathsep.join((*os.get_exec_path(), "/usr/sbin", "/sbin"))
TIMEOUT = 10.0

Run = Callable[[str], str]
"""Takes commands, returns what nft printed (without counts); raises DirectorError with what it said."""

_STATELESS = 1 << 2
"""NFT_CTX_OUTPUT_STATELESS: a list without counts, so that two of the same rules are the same text."""

_TABLE = re.compile(r"^table netdev (\S+)", re.MULTILINE)
_COMMENT = re.compile(r'comment "([^"]*)"')


class NftSession(Protocol):
    """A way to run nftables commands.

    `lasting` says that all commands go by one netlink socket until `close`, so that it may own a table.
    """

    @property
    def lasting(self) -> bool:
        """A table that a command makes with an owner lives until `close`."""

    def __call__(self, text: str) -> str:
        """As `Run`."""

    def close(self) -> None:
        """Give up what was made with this session as its owner; the next command begins another."""


def find() -> NftSession | None:
    """The way to run nftables commands here, or None when neither library nor command is there."""
    return find_library() or find_command()


def find_library() -> NftSession | None:
    """The library by ctypes, or None."""
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError:
        return None
    return _Library(library)


def find_command() -> NftSession | None:
    """The command `nft`, or None."""
    path = shutil.which("nft", path=PATH)
    return None if path is None else _Command(path)


class _Command:
    """One process for each call: what it makes has no owner that lives on."""

    lasting = False

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, text: str) -> str:
        """Run commands.  Raises DirectorError."""
        path = self._path
        try:
            done = subprocess.run(
                [path, "--stateless", "-f", "-"],
                input=text,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DirectorError(f"{path} cannot be run: {error}") from error
        if done.returncode:
            raise DirectorError(f"nftables refused the rules: {done.stderr.strip()}")
        return done.stdout

    def close(self) -> None:
        """Nothing is open."""


class _Library:
    """One context of libnftables; every pointer it returns is checked, a NULL would end the process.

    The context, and with it a netlink socket in the namespace of the thread that calls first, is made when
    it is needed.
    """

    lasting = True

    def __init__(self, library: ctypes.CDLL) -> None:
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        signatures: dict[str, tuple[list[Any], Any]] = {
            "nft_ctx_new": ([ctypes.c_uint32], pointer),
            "nft_ctx_free": ([pointer], None),
            "nft_ctx_buffer_output": ([pointer], ctypes.c_int),
            "nft_ctx_buffer_error": ([pointer], ctypes.c_int),
            "nft_ctx_get_output_buffer": ([pointer], text),
            "nft_ctx_get_error_buffer": ([pointer], text),
            "nft_ctx_output_set_flags": ([pointer, ctypes.c_uint], None),
            "nft_run_cmd_from_buffer": ([pointer, text], ctypes.c_int),
        }
        for name, (arguments, result) in signatures.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, result
        self._library = library
        self._lock = threading.Lock()
        self._context: int | None = None

    def __call__(self, text: str) -> str:
        """Run commands.  Raises DirectorError."""
        library = self._library
        with self._lock:
            context = self._context or self._begin()
            failed = library.nft_run_cmd_from_buffer(context, text.encode())
            said = library.nft_ctx_get_error_buffer(context) or b""
            output = library.nft_ctx_get_output_buffer(context) or b""
        if failed:
            raise DirectorError(f"nftables refused the rules: {said.decode(errors='replace').strip()}")
        return bytes(output).decode(errors="replace")

    def close(self) -> None:
        """Free the context; the kernel takes away the tables that it owned."""
        with self._lock:
            context, self._context = self._context, None
            if context:
                self._library.nft_ctx_free(context)

    def _begin(self) -> int:
        library = self._library
        context: int | None = library.nft_ctx_new(0)
        if not context:
            raise DirectorError("libnftables gives no context: is nf_tables in this kernel?")
        if library.nft_ctx_buffer_output(context) or library.nft_ctx_buffer_error(context):
            library.nft_ctx_free(context)
            raise DirectorError("libnftables has no memory for what it says")
        library.nft_ctx_output_set_flags(context, _STATELESS)
        self._context = context
        return context


def owners(run: Run, prefix: str) -> dict[str, str]:
    """The netdev tables whose names begin with `prefix`, with the owner each names (`rules.ruleset`)."""
    found: dict[str, str] = {}
    for name in _TABLE.findall(run("list tables netdev\n")):
        if name.startswith(prefix):
            try:
                said = _COMMENT.search(run(f"list chain netdev {name} owner\n"))
            except DirectorError:
                said = None
            found[name] = said.group(1) if said else ""
    return found
