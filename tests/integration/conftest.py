"""What the layer-7 scenarios share: a recording origin, and directors that always stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.origin import Origin
from tests.support.running import Director, OriginProcess

StartDirector = Callable[..., Director]
StartOrigin = Callable[[str], OriginProcess]


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A recording origin in a thread."""
    with Origin() as origin:
        yield origin


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[StartDirector]:
    """Starts a director on a text of configuration: `start(ini, descriptors=0)`.

    A module that says `WORKERS = "0"` has it in one process, so that both ways are tested.
    """
    workers = getattr(request.module, "WORKERS", None)
    with ExitStack() as stack:

        def run(ini: str, *, descriptors: int = 0) -> Director:
            director = Director(ini, tmp_path, descriptors=descriptors, workers=workers)
            stack.enter_context(director)
            return director

        yield run


@pytest.fixture
def start_origin(tmp_path: Path) -> Iterator[StartOrigin]:
    """Starts an origin as a process: `start_origin(name)`."""
    with ExitStack() as stack:

        def run(name: str) -> OriginProcess:
            program = OriginProcess(name, tmp_path)
            stack.enter_context(program)
            return program

        yield run
