"""All commands, in the order in which `director --help` has them."""

from __future__ import annotations

from director.cli.command import Command
from director.cli.commands import (
    check,
    completion,
    config,
    drill,
    generations,
    lab,
    objects,
    passwd,
    probe,
    servers,
    show,
    token,
    why,
)

COMMANDS: tuple[Command, ...] = (
    check.COMMAND,
    show.COMMAND,
    why.COMMAND,
    probe.COMMAND,
    *servers.COMMANDS,
    *objects.COMMANDS,
    *generations.COMMANDS,
    token.COMMAND,
    config.COMMAND,
    lab.COMMAND,
    passwd.COMMAND,
    *drill.COMMANDS,
)
COMMANDS = (*COMMANDS, completion.command(COMMANDS))
