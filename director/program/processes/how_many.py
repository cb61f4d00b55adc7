"""How many processes are started, before there is any."""

from __future__ import annotations

import os
import subprocess
import sys

from twisted.logger import Logger

from director.model.settings import Configuration
from director.program.processes.sockets import can_be_inherited
from director.store.io.place import Owner

_log = Logger(namespace="director")


def processes(configuration: Configuration, owner: Owner | None = None) -> int:
    """How many serve layer 7 beside this one: without a number one for each processor that we may use.

    An endpoint that cannot be handed on is served by this process then; so is everything when `owner`, who
    the process will be after `twistd --uid`, may not run this Python and so could start none.
    """
    if configuration.settings.workers >= 0:
        return configuration.settings.workers
    if owner is not None and not can_run(owner):
        _log.warn(
            "all runs in one process: user {uid} may not run {python}, so no other can be started after "
            "`twistd --uid`. Install the director where that user can read it for one process a processor",
            uid=owner[0],
            python=sys.executable,
        )
        return 0
    for service in configuration.l7:
        for address in service.places:
            if address.endpoint and not can_be_inherited(address.endpoint):
                _log.info(
                    "all runs in one process: several cannot share {endpoint} of [l7:{name}]",
                    endpoint=address.endpoint,
                    name=service.name,
                )
                return 0
    return len(os.sched_getaffinity(0))


def can_run(owner: Owner) -> bool:
    """Whether somebody may run this Python with the director in it; tried, for rights are many."""
    command = [sys.executable, "-c", "import director.program.processes.worker"]
    try:
        tried = subprocess.run(
            command, user=owner[0], group=owner[1], extra_groups=(), capture_output=True, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return tried.returncode == 0
