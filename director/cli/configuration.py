"""The one seam between the commands and the configuration: reading a file, on the spot.

The director need not run for any of this.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from director.cli.client import NOT_REACHABLE, Refused
from director.cli.output import changes
from director.config.io import load
from director.config.text import messages
from director.config.text.messages import Problem
from director.config.text.reader import LARGEST
from director.model.settings import Configuration

READER = "director.program.configuration"
"""The composition's own reader: it knows the installed schedulers and rehearses `[test:…]`.  Named, not
imported, because the commands stand below the composition and never import a layer."""


@frozen
class Checked:
    """What a file holds: the configuration (None when it has errors) and all findings."""

    configuration: Configuration | None
    problems: Sequence[Problem]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(one.severity == messages.ERROR for one in self.problems)


STANDARD_INPUT = "-"
"""Instead of a file's name; what it names is relative to the working directory."""


def check(name: str, *, offline: bool = False) -> Checked:
    """Read a file, or standard input, as the program does; what is wrong with it is in the findings.

    Unless `offline`, its servers are asked whether they answer.
    """
    # One byte more than a file may have: the reader says that it is too large.
    content = sys.stdin.buffer.read(LARGEST + 1) if name == STANDARD_INPUT else None
    configuration, problems = importlib.import_module(READER).load(name, offline=offline, content=content)
    return Checked(configuration, problems)


def text(checked: Checked) -> str:
    """Findings for people, as in design 5, and their number."""
    count = changes.count(checked.errors, len(checked.problems) - checked.errors)
    return f"{messages.render(checked.problems)}{count}\n"


def json_text(checked: Checked) -> str:
    """Findings for editors."""
    return messages.as_json(checked.problems)


def exit_code(checked: Checked, *, strict: bool) -> int:
    """0 clean, 1 warnings with `strict`, 2 errors."""
    return messages.exit_code(checked.problems, strict=strict)


def state_dir(path: Path) -> Path:
    """The state directory that a configuration names, broken as it may be elsewhere.

    Raises Refused with what to do.
    """
    if not path.exists():
        raise Refused(
            f"there is no {path} here.\n"
            "Name the director's configuration with -c FILE, or its socket with --socket PATH.",
            code=NOT_REACHABLE,
        )
    loaded = load.load(str(path))
    if loaded.configuration is None and not loaded.state_dir:
        raise Refused(
            f"{path} has errors, so its state_dir is not known.\n"
            f"See them with: director check {path}\n"
            "Or name the socket with --socket PATH.",
            code=NOT_REACHABLE,
        )
    return Path(loaded.state_dir)
