"""Which director is meant: by its socket, or by the configuration that names its `state_dir`."""

from __future__ import annotations

import os
from pathlib import Path

from director.cli.client import ApiClient

SOCKET_FILE = "control.sock"
DEFAULT_FILES = ("etc/director.ini", "/etc/director/director.ini")
"""Where a configuration is looked for that nobody names: here, then where the systemd unit has it."""


def connected(socket: str = "", config: str = "") -> ApiClient:
    """The director that the options name; without one DIRECTOR_SOCKET, or the installed configuration.

    Raises Refused with what to do.
    """
    named = socket or ("" if config else os.environ.get("DIRECTOR_SOCKET", ""))
    if named:
        return ApiClient(Path(named))
    # The grammar of the configuration is two thirds of what there is to import: a script that calls ipvsadm a
    # hundred times with the socket in its environment should not wait for it a hundred times.
    from director.cli import configuration  # noqa: PLC0415

    named = config or next((one for one in DEFAULT_FILES if Path(one).exists()), DEFAULT_FILES[0])
    return ApiClient(configuration.state_dir(Path(named)) / SOCKET_FILE)
