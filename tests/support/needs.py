"""What some tests need, and what is missing when they are skipped."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

import pytest

director = pytest.mark.skipif(
    find_spec("director.tap") is None,
    reason="needs the program: director/tap.py is not written yet",
)
haproxy = pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs haproxy (apt install haproxy)")
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts a small tmpfs")
