"""`director-tcpvsadm`: tcpvsadm's own grammar, on the running director.

The director is found by `DIRECTOR_SOCKET`, or by the installed configuration.  A link to the command named
`tcpvsadm` serves scripts that were written for that one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from director.cli.client import ApiClient, Refused
from director.cli.invocation import UNKEPT
from director.cli.locating import connected
from director.cli.lvs.main import UNKEPT_TEXT
from director.cli.lvs.tcpvs.command import run
from director.cli.lvs.tcpvs.remote import RemoteServices

NO_KTCPVS = 2
"""The status of tcpvsadm when the kernel has no KTCPVS (A.4)."""


def main(argv: Sequence[str] | None = None, client: ApiClient | None = None) -> int:
    """Carry out one command line; returns its exit status.

    Args:
        argv: the words, the program's name first; those of the process when there are none.
        client: the director that is meant.
    """
    program, *words = sys.argv if argv is None else argv
    table = RemoteServices(lambda: client or connected())
    try:
        status = run(words, table, sys.stdout, sys.stderr, Path(program).name)
        sys.stdout.flush()
    except Refused as refused:
        sys.stderr.write(f"Can't initialize tcpvs: {refused}\n")
        return NO_KTCPVS
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if table.unkept:
        sys.stderr.write(UNKEPT_TEXT)
        return status or UNKEPT
    return status


if __name__ == "__main__":
    sys.exit(main())
