"""Namespaces for the layer-4 tests: unique names per run, taken down whatever happens."""

from __future__ import annotations

import pytest

from director.demo.netns import Namespaces, lacking


@pytest.fixture
def net():
    missing = lacking()
    if missing:
        pytest.skip(f"{missing}; it runs where `make test` runs as root")
    with Namespaces("dirtest") as made:
        yield made
