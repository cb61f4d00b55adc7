"""Namespaces for the layer-4 tests: unique names per run, taken down whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from director.demo.netns import Namespaces
from tests.integration.l4.bed import Bed, skip_without_root
from tests.integration.l4.flows import give_ports
from tests.integration.l4.wire_judge import Judged

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.root)


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest) -> None:
    """What an earlier test left on the wires of a director that many tests share is not of the next one."""
    bed = request.getfixturevalue("bed") if "bed" in request.fixturenames else None
    if isinstance(bed, Judged):
        bed.drain_wires()


@pytest.fixture(autouse=True)
def _ports(request: pytest.FixtureRequest) -> None:
    give_ports(request.node.name)


@pytest.fixture
def net() -> Iterator[Namespaces]:
    skip_without_root()
    with Namespaces("dirtest") as made:
        yield made


@pytest.fixture
def bed(net: Namespaces, tmp_path: Path) -> Bed:
    return Bed(net, tmp_path)
