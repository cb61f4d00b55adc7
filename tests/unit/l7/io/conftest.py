"""Both reactors: what needs the lean one only has a `loop` of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.loops import KINDS, Loop, loop_of


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    with loop_of(request.param) as made:
        yield made
