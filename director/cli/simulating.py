"""The one seam between the commands and the simulation: many runs of a file, on the spot.

No director runs for it, and none is started: it plays one in this process, on a clock and a network of its
own.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from random import Random
from typing import Any

from director.cli.client import Refused
from director.cli.invocation import USAGE
from director.errors import DirectorError

FUZZING = "director.program.simulation.fuzzing"
"""Named, not imported: the commands stand below the composition and never import a layer."""
RUNS = 200
MOST_RUNS = 10_000_000
SEEDS = 2**31
"""A seed that nobody chose is below that: short enough to be typed."""
EVERY = 100
"""Runs between two lines on the terminal."""


def report(path: Path, runs: int | None, seed: int | None) -> dict[str, Any]:
    """What came of it; `runs` None is one with a seed, and `RUNS` without.  Raises Refused."""
    count = runs if runs is not None else RUNS if seed is None else 1
    if not 0 < count <= MOST_RUNS:
        raise Refused(f"{count} runs cannot be made; ask for 1 to {MOST_RUNS}", code=USAGE)
    if not path.is_file():
        raise Refused(f"there is no file {path}", code=USAGE)
    first = seed if seed is not None else Random().randrange(SEEDS)
    fuzzing = importlib.import_module(FUZZING)
    fuzzing.quiet()
    try:
        made: dict[str, Any] = fuzzing.fuzz(str(path), count, first, lambda done: _say(done, count))
    except DirectorError as error:
        raise Refused(str(error), code=USAGE) from error
    return made


def text(made: dict[str, Any]) -> str:
    """For people."""
    shown: str = importlib.import_module(FUZZING).text(made)
    return shown


def _say(done: int, count: int) -> None:
    """A sign of life for who watches."""
    if done % EVERY == 0 and done < count and sys.stderr.isatty():
        sys.stderr.write(f"{done} of {count} runs\n")
