from __future__ import annotations

from director.program.identifiers import identifiers, new_run


def test_they_are_never_the_same() -> None:
    one, other = identifiers(new_run()), identifiers(new_run())
    assert len({make() for make in (one, other) for _ in range(100)}) == 200
