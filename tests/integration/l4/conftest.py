"""Namespaces for the layer-4 tests: unique names per run, taken down whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from director.demo.netns import Namespaces, lacking
from tests.integration.l4.bed import Bed

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.root)


@pytest.fixture
def net() -> Iterator[Namespaces]:
    missing = lacking()
    if missing:
        pytest.skip(f"{missing}; it runs where `make test` runs as root")
    with Namespaces("dirtest") as made:
        yield made


@pytest.fixture
def bed(net: Namespaces, tmp_path: Path) -> Bed:
    return Bed(net, tmp_path)
