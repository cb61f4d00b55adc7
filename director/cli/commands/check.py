"""`director check FILE|-`."""

from __future__ import annotations

from director.cli import configuration
from director.cli.command import Command, argument
from director.cli.invocation import Invocation, say


def run(call: Invocation) -> int:
    """Say what is wrong with a file; the exit code says how wrong."""
    options = call.options
    checked = configuration.check(options.file, offline=options.offline)
    say(configuration.json_text(checked) if call.as_json else configuration.text(checked))
    return configuration.exit_code(checked, strict=options.strict)


COMMAND = Command(
    "check",
    "Check a configuration file; 0 clean, 2 errors.",
    run,
    (
        argument("file", metavar="FILE", help="or - for standard input"),
        argument("--strict", action="store_true", help="exit with 1 when there are warnings"),
        argument("--offline", action="store_true", help="ask neither for names nor whether servers answer"),
    ),
)
