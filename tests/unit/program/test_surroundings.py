"""What the process needs before it serves."""

from __future__ import annotations

import subprocess
import sys


def test_codecs_are_there_before_the_process_is_another_user() -> None:
    """Python looks for them at first use, in a folder that `--uid nobody` may not be allowed to read."""
    script = (
        "import sys; from director.program.surroundings import load_early; load_early();"
        "print({'ascii', 'idna', 'latin_1', 'utf_8_sig'} - {name.partition('.')[2] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_all_descriptors_that_are_allowed_are_used() -> None:
    script = (
        "import resource as r; from director.program.surroundings import raise_descriptor_limit;"
        "r.setrlimit(r.RLIMIT_NOFILE, (64, 128)); raise_descriptor_limit();"
        "print(r.getrlimit(r.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "(128, 128)\n"
