"""`director`: look at a running director, change it, and ask it why.

It speaks the admin API over the control socket, found by `--socket`, `DIRECTOR_SOCKET` or the `state_dir` of
`-c FILE`.  `commands.table` has what it can do, `invocation` the exit codes; those of `check` are its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from director.cli import grammar
from director.cli.client import Refused
from director.cli.commands.table import COMMANDS
from director.cli.invocation import DONE, Invocation, refuse

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = grammar.parser(COMMANDS).parse_args(argv)
    try:
        code: int = options.run(Invocation(options))
        sys.stdout.flush()
    except Refused as refused:
        return refuse(refused, as_json=options.json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
