"""What the program says when it is ready: where it serves, what to try, how to look at it (composition)."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from attrs import evolve

from director.admin.service import AdminService
from director.model.settings import Configuration
from director.program.logs import STANDARD_OUTPUT

TRIALS = 3
"""Commands to try that are printed at start."""
ADDRESSES_SHOWN = 20
"""Addresses in the first line."""


def ready(name: str, served: Sequence[str]) -> str:
    """The first line; `served` are `service=address`."""
    shown = ", ".join(served[:ADDRESSES_SHOWN]) or "no listeners"
    more = len(served) - ADDRESSES_SHOWN
    return f"{name} is ready: {shown}" + (f" and {more} more" if more > 0 else "")


def to_try(configuration: Configuration) -> Iterator[str]:
    """A line for each command to try."""
    yield from (f"try    {command}" for command in trials(configuration))


def to_look(admin: AdminService, state_dir: Path, *, in_sight: bool) -> Iterator[str]:
    """How to sign in and what to ask; only a log that somebody has in sight holds a link that signs in."""
    if admin.page and in_sight:
        yield f"admin  {admin.link}"
    elif admin.page:
        yield f"admin  {admin.page}/login with the token in {state_dir / 'admin.token'}"
    if admin.control_socket:
        yield f"ask    {own_command()} show servers --socket {admin.control_socket}"


def trials(configuration: Configuration) -> list[str]:
    """Up to three curl commands: the first plain listener, then what its `[test:…]` sections ask for."""
    service = next((one for one in configuration.l7 if one.protocol == "http" and one.start), None)
    address = next((one for one in service.places if one.port), None) if service is not None else None
    if address is None:
        return []
    secure = service is not None and service.tls is not None and address in service.tls.addresses
    curl = "curl -k" if secure else "curl"
    base = f"http{'s' if secure else ''}://{evolve(address, host=address.host or '127.0.0.1')}"
    found = [f"{curl} {base}/"]
    for test in configuration.tests:
        parts = urlsplit(test.uri)
        if test.method == "GET" and not test.headers:
            host = f"-H 'Host: {parts.netloc}' " if parts.netloc else ""
            found.append(f"{curl} {host}{base}{parts.path or '/'}")
    return found[:TRIALS]


def in_sight(target: str) -> bool:
    """Whether the log is for the eyes of who started the program; a journal is kept, and others read it.

    `target` is a file, or `-` for the standard output, of which `JOURNAL_STREAM` tells that systemd's
    journal has it: device and inode (systemd.exec(5)).
    """
    if target != "-":
        return False
    try:
        output = os.fstat(STANDARD_OUTPUT)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") != f"{output.st_dev}:{output.st_ino}"


def own_command() -> str:
    """How the `director` command of this installation is called from here."""
    beside = Path(sys.argv[0]).with_name("director")
    return str(beside) if shutil.which("director") is None and beside.exists() else "director"
