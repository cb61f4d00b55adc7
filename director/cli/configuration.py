"""The one seam between the commands and the configuration room: reading a file, on the spot.

The director need not run for any of this.  Imports are late: `director show` should not
pay for the reader.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from director.cli.client import Refused
from director.errors import ConfigError

READER = "director.loading"
"""`load(path)` gives (configuration, problems), with the installed schedulers and `[test:…]` rehearsed."""
MESSAGES = "director.config.messages"
"""`render(problems)` gives the text of design 5, `as_json(problems)` the same for editors."""


@frozen
class Checked:
    """What a file holds: the configuration (None when it has errors) and all findings."""

    configuration: Any
    problems: Sequence[Any]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(one.severity == "error" for one in self.problems)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return len(self.problems) - self.errors


def check(path: Path) -> Checked:
    """Read a file and everything it includes.  Raises Refused when it cannot be opened."""
    try:
        configuration, problems = _module(READER).load(path)
    except ConfigError as error:
        return Checked(None, error.problems)
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error
    return Checked(configuration, tuple(problems))


def text(checked: Checked) -> str:
    """Findings for people, as in design 5."""
    return str(_module(MESSAGES).render(checked.problems))


def json_text(checked: Checked) -> str:
    """Findings for editors."""
    return str(_module(MESSAGES).as_json(checked.problems))


def state_dir(path: Path) -> Path:
    """The state directory that a configuration names.  Raises Refused with what to do."""
    if not path.exists():
        raise Refused(
            f"there is no {path} here.\n"
            "Name the director's configuration with -c FILE, or its socket with --socket PATH."
        )
    checked = check(path)
    if checked.configuration is None:
        raise Refused(
            f"{path} has errors, so its state_dir is not known.\n"
            f"See them with: director check {path}\n"
            "Or name the socket with --socket PATH."
        )
    return Path(checked.configuration.settings.state_dir)


def _module(name: str) -> Any:
    return importlib.import_module(name)
