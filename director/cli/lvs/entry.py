"""What LVS's two commands have in common: from the words of a command line to its exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from director.cli.client import ApiClient, Refused
from director.cli.invocation import UNKEPT
from director.cli.locating import connected

UNKEPT_TEXT = "done, but not kept: a restart of the director would lose it; its log says why\n"
NO_SERVICE = 2
"""The status of both when the kernel has no IPVS or KTCPVS (I.2, A.4); here, when no director answers."""


class Remote(Protocol):
    """The tables of the director that is meant.

    Attributes:
        unkept: something was done that a restart would lose.
    """

    unkept: bool


R = TypeVar("R", bound=Remote)


def enter(
    argv: Sequence[str] | None,
    client: ApiClient | None,
    made: Callable[[Callable[[], ApiClient]], R],
    carry_out: Callable[[Sequence[str], R, str], int],
    what: str,
) -> int:
    """Carry out one command line; returns its exit status.

    Args:
        argv: the words, the program's name first; those of the process when there are none.
        client: the director that is meant; looked for when it is needed, where there is none.
        made: the tables, by whom they ask.
        carry_out: the command: its words, the tables, and under which name it was called.
        what: the kernel's word for what the command is about.
    """
    program, *words = sys.argv if argv is None else argv
    table = made(lambda: client or connected())
    try:
        status = carry_out(words, table, Path(program).name)
        sys.stdout.flush()
    except Refused as refused:
        sys.stderr.write(f"Can't initialize {what}: {refused}\n")
        return NO_SERVICE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if table.unkept:
        sys.stderr.write(UNKEPT_TEXT)
        return status or UNKEPT
    return status
