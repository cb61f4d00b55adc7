from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from director.errors import ChangeRefused
from director.model.pools import Pool, State
from director.model.settings import Configuration, Guard
from director.program.guards import Guards
from director.registry.changes import Ordered, changed
from director.registry.registry import Registry
from tests.support.candidates import candidate
from tests.support.registries import registry_of, server
from tests.support.said import said

PAY = Pool("pay", (server("a", 1), server("b", 2)))


def world(*guards: Guard) -> tuple[Registry, Guards]:
    registry = registry_of(configuration=Configuration(pools=(PAY,), guards=guards))
    return registry, Guards(registry, lambda: 0.0)


def drain(registry: Registry, part: Guards) -> None:
    change = Ordered("pay", "a", State.DRAIN)
    desired = changed(registry.configuration, (change,))
    part.check(evolve(candidate(desired), changes=(change,), author="ops"))


def test_who_is_refused_is_told_why() -> None:
    registry, part = world(Guard("two", ready=2, reason="both are needed tonight"))
    with pytest.raises(ChangeRefused) as refused:
        drain(registry, part)
    assert str(refused.value) == (
        "[guard:two] pool pay would have 1 ready server(s) instead of 2, and never fewer than 2 are allowed "
        "(both are needed tonight); wait, or bring a server in first; a guard is changed in the file, with a "
        "reload"
    )
    assert (refused.value.code, refused.value.at) == ("EBUSY", "guard two")


def test_a_guard_that_warns_lets_pass() -> None:
    registry, part = world(Guard("two", ready=2, veto=False))
    with said() as lines:
        drain(registry, part)
    assert lines[0].startswith("warn: [guard:two] pool pay would have 1 ready server(s)")
    assert lines[0].endswith(", by ops")


def test_a_guard_of_the_users_own_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "def no_ops(change):\n"
        "    pool = change.pools['pay']\n"
        "    if change.author == 'ops' and pool.ready_after < pool.ready_before:\n"
        "        return 'not by ops: ' + '; '.join(change.diff)\n"
        "def broken(change):\n"
        "    return 1 / 0\n"
    )
    registry, part = world(Guard("mine", path=str(file), attribute="no_ops"))
    with pytest.raises(ChangeRefused, match=r"not by ops: server pay/a ordered to drain"):
        drain(registry, part)
    registry, part = world(Guard("mine", path=str(file), attribute="broken"))
    with said() as lines:
        drain(registry, part)
    assert "failed and lets the change pass: ZeroDivisionError" in lines[0]


def test_without_guards_nothing_is_asked() -> None:
    registry, part = world()
    drain(registry, part)
