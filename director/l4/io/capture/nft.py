"""Run nftables commands: by libnftables in this process where it is installed, else by `nft`.

Nothing here is fast enough for a packet; it is called at start, reload and stop, from a
thread.  The library is preferred because it needs no second program with capabilities of its
own: under `setcap` a child process would have none.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from director.errors import DirectorError

PATH = os.pathsep.join((*os.get_exec_path(), "/usr/sbin", "/sbin"))
TIMEOUT = 10.0

Run = Callable[[str], str]
"""Takes commands, returns what nft printed; raises DirectorError with what it said."""

_TABLE = re.compile(r"^table netdev (\S+)", re.MULTILINE)
_COMMENT = re.compile(r'comment "([^"]*)"')


def find() -> Run | None:
    """The way to run nftables commands here, or None when neither library nor command is there."""
    return find_library() or find_command()


def find_library() -> Run | None:
    """The library by ctypes, or None."""
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError:
        return None
    return _Library(library).run


def find_command() -> Run | None:
    """The command `nft`, or None."""
    path = shutil.which("nft", path=PATH)
    if path is None:
        return None

    def run(text: str) -> str:
        try:
            done = subprocess.run(
                [path, "-f", "-"],
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

    return run


class _Library:
    """One context of libnftables; every pointer it returns is checked, a NULL would end the process."""

    def __init__(self, library: ctypes.CDLL) -> None:
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        signatures: dict[str, tuple[list[Any], Any]] = {
            "nft_ctx_new": ([ctypes.c_uint32], pointer),
            "nft_ctx_free": ([pointer], None),
            "nft_ctx_buffer_output": ([pointer], ctypes.c_int),
            "nft_ctx_buffer_error": ([pointer], ctypes.c_int),
            "nft_ctx_get_output_buffer": ([pointer], text),
            "nft_ctx_get_error_buffer": ([pointer], text),
            "nft_run_cmd_from_buffer": ([pointer, text], ctypes.c_int),
        }
        for name, (arguments, result) in signatures.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, result
        self._library = library
        self._lock = threading.Lock()

    def run(self, text: str) -> str:
        """A fresh context each time: it opens its netlink socket in the namespace of this thread."""
        library = self._library
        with self._lock:
            context = library.nft_ctx_new(0)
            if not context:
                raise DirectorError("libnftables gives no context: is nf_tables in this kernel?")
            try:
                library.nft_ctx_buffer_output(context)
                library.nft_ctx_buffer_error(context)
                failed = library.nft_run_cmd_from_buffer(context, text.encode())
                said = library.nft_ctx_get_error_buffer(context) or b""
                output = library.nft_ctx_get_output_buffer(context) or b""
            finally:
                library.nft_ctx_free(context)
        if failed:
            raise DirectorError(f"nftables refused the rules: {said.decode(errors='replace').strip()}")
        return bytes(output).decode(errors="replace")


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
