from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.registry.evidence import Result, ServerEvidence
from tests.unit.admin.test_proofs import FOUND
from tests.unit.cli.memory import MemoryClient, Run


def found_next(client: MemoryClient, monkeypatch: pytest.MonkeyPatch, result: Result | None) -> None:
    """What the check finds when it is made."""
    control = client.admin.control
    control.proven = FOUND
    post = MemoryClient.post

    def asked(made: MemoryClient, *segments: str, **more: Any) -> Any:
        (check,) = FOUND.checks
        if result is not None:
            control.proven = evolve(FOUND, checks=(evolve(check, results=(*check.results, result)),))
        return post(made, *segments, **more)

    monkeypatch.setattr(MemoryClient, "post", asked)


@pytest.mark.parametrize(("alive", "code"), [(True, 0), (False, 1), (None, 1)])
def test_it_waits_for_what_is_found_and_shows_it(
    client: MemoryClient, run: Run, monkeypatch: pytest.MonkeyPatch, alive: bool | None, code: int
) -> None:
    found_next(client, monkeypatch, Result(99.0, alive, "status 299", 0.1))
    found, out, _ = run("probe", "web/a")
    assert (found, "status 299" in out, "web/a at" in out) == (code, True, True)


def test_a_check_that_is_not_made_is_refused(
    client: MemoryClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_next(client, monkeypatch, None)
    code, _, told = run("probe", "web/a")
    assert (code, "nothing was found by alive: web/a is" in told) == (1, True)


def test_a_server_without_checks_says_what_to_write(client: MemoryClient, run: Run) -> None:
    client.admin.control.proven = ServerEvidence()
    code, _, told = run("probe", "web/a")
    assert (code, "into [pool:web]" in told) == (1, True)


def test_who_is_unknown(client: MemoryClient, run: Run) -> None:
    assert run("probe", "web/nobody")[0] == 1
    assert run("probe", "web")[0] == 2
