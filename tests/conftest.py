"""What holds for all tests: where they may run at the same time, and how hypothesis searches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
# Folders whose tests share something of the machine (a browser, ports, `build/`): one worker for each.
SERIAL = ("browser", "integration", "packaging")

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of each serial folder on one worker; skip what needs root when we are not."""
    for item in items:
        folder = item.path.relative_to(HERE).parts[0] if item.path.is_relative_to(HERE) else ""
        if folder in SERIAL:
            item.add_marker(pytest.mark.xdist_group(folder))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root: run `make test` as root"))
