from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from director.program.version import VERSION

COMMAND = Path(sys.executable).with_name("director")


def test_it_is_what_the_command_says() -> None:
    told = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True).stdout
    assert told.split()[1] == VERSION
