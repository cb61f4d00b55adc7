from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from director.model.tls import Certificate
from director.program.certificates import EVERY, Certificates
from tests.support.certificates import make
from tests.support.said import said


def candidate(*certificates: Certificate) -> Any:
    return SimpleNamespace(desired=SimpleNamespace(certificates=certificates))


def test_read_served_and_followed(tmp_path: Path) -> None:
    chain, key = make("a.example").write(tmp_path, "a")
    changes: list[int] = []
    part = Certificates()
    part.changed = lambda: changes.append(1)
    wanted = candidate(Certificate("a", chain, key), Certificate("b", str(tmp_path / "none")))
    part.prepare(wanted)
    part.abandon()
    assert part.store.pairs("a") == ()
    part.prepare(wanted)
    with said() as lines:
        part.commit(wanted)
    assert any("certificate b" in line and "cannot be read" in line for line in lines)
    assert [pair.names for pair in part.store.pairs("a")] == [("a.example",)]
    ((look, period),) = part.chores()
    assert period == EVERY
    make("a.example", days=99).write(tmp_path, "a")
    with said() as lines:
        look()
    assert any("new files are served" in line for line in lines)
    assert len(changes) == 2
