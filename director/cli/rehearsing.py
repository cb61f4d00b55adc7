"""A director for a drill of a file: the one that runs it already, or one of its own for that long.

The own one has a state directory of its own, so it finds no operators' changes and leaves nothing behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from director.cli import configuration
from director.cli.client import ApiClient, Refused
from director.cli.invocation import USAGE, warn
from director.cli.locating import SOCKET_FILE
from director.config.text import messages

STATE_DIR = "DIRECTOR_STATE_DIR"
"""The variable that gives a director another `state_dir` than its file (`program.configuration`)."""
PATIENCE = 60.0
"""Seconds until it serves, and until it has ended."""
LINES_SHOWN = 15


def drills_of(path: Path) -> list[str]:
    """The drills of a configuration.  Raises Refused when it has errors or none."""
    checked = configuration.check(str(path), offline=True)
    if checked.configuration is None:
        raise Refused(f"{path} has errors:\n{messages.render(checked.problems)}", code=USAGE)
    names = [one.name for one in checked.configuration.drills]
    if not names:
        raise Refused(f"{path} has no drill; add a section [drill:NAME]", code=USAGE)
    if not checked.configuration.settings.drills:
        raise Refused(f"drills are not allowed by {path}; write drills = allowed into [director]", code=USAGE)
    return names


@contextmanager
def director(path: Path, socket: str) -> Iterator[ApiClient]:
    """The director that runs `path`, or one that is started for it; `socket` names one."""
    if socket:
        yield ApiClient(Path(socket))
        return
    known = _running(path)
    if known is not None:
        yield known
        return
    with tempfile.TemporaryDirectory(prefix="director-drill-") as folder:
        place = Path(folder)
        process = _start(path, place)
        try:
            yield _ready(process, place)
        finally:
            _stop(process)


def _running(path: Path) -> ApiClient | None:
    """The one that runs the file already."""
    try:
        state = configuration.state_dir(path)
        client = ApiClient(state / SOCKET_FILE)
        client.get("drills")
    except Refused:
        return None
    return client


def _start(path: Path, place: Path) -> subprocess.Popen[bytes]:
    twistd = Path(sys.executable).with_name("twistd")
    words = [str(twistd), "--nodaemon", "--pidfile=", "director", "-c", str(path)]
    with (place / "log").open("wb") as log:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, STATE_DIR: str(place / "var")},
        )


def _ready(process: subprocess.Popen[bytes], place: Path) -> ApiClient:
    """Wait until it serves.  Raises Refused with what it said when it does not."""
    client = ApiClient(place / "var" / SOCKET_FILE)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            client.get("drills")
        except Refused:
            time.sleep(0.05)
        else:
            return client
    said = (place / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-LINES_SHOWN:]
    raise Refused("\n".join(["the director for the drill does not serve; it said:", *said]), code=USAGE)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        warn("the director of the drill does not end and is killed")
        process.kill()
        process.wait()
