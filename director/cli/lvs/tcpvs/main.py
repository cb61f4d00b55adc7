"""`director-tcpvsadm`: tcpvsadm's own grammar, on the running director.

The director is found by `DIRECTOR_SOCKET`, or by the installed configuration.  A link to the command named
`tcpvsadm` serves scripts that were written for that one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from director.cli.client import ApiClient
from director.cli.lvs.entry import enter
from director.cli.lvs.tcpvs.command import run
from director.cli.lvs.tcpvs.remote import RemoteServices


def main(argv: Sequence[str] | None = None, client: ApiClient | None = None) -> int:
    """Carry out one command line (`enter`); returns its exit status."""
    return enter(argv, client, RemoteServices, _carry_out, "tcpvs")


def _carry_out(words: Sequence[str], table: RemoteServices, program: str) -> int:
    return run(words, table, sys.stdout, sys.stderr, program)


if __name__ == "__main__":
    sys.exit(main())
