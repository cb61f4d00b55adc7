from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from director.model.tls import Acme, acme_certificate
from director.program import acme as module
from director.program.acme import PATIENCE, AcmePart
from director.tls.acme.order import AcmeError
from director.tls.acme.proof import placeholder
from director.tls.io.acme_files import AcmeFiles
from tests.support.said import said

NAME = "acme a.example b.example"


class FakeClient:
    """Answers with what it was told to."""

    results: list[Any] = []  # noqa: RUF012 - of the class, as the part makes its clients itself

    def __init__(self, *_: Any) -> None:
        """Nobody is asked."""

    def perform(self, steps: Any, show: Any) -> Deferred[bytes]:
        steps.close()
        found = self.results.pop(0)
        return (
            found
            if isinstance(found, Deferred)
            else fail(found)
            if isinstance(found, Exception)
            else succeed(found)
        )


class World:
    """A part that wants one certificate, and a clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = dt.datetime(2026, 12, 1, tzinfo=dt.UTC).timestamp()
        monkeypatch.setattr(module, "AcmeClient", FakeClient)
        monkeypatch.setattr(time, "time", lambda: self.now)
        FakeClient.results = []
        self.folder = folder
        self.certificate = acme_certificate(NAME, str(folder))
        self.serves = True
        self.clock = Clock()
        self.part = self.made()

    def made(self) -> AcmePart:
        part = AcmePart(self.clock, self.folder, Random(1), lambda: self.serves)
        desired = SimpleNamespace(acme=Acme(), served_certificates=(self.certificate,))
        found: Any = SimpleNamespace(desired=desired)
        part.commit(found)
        return part

    def look(self, *results: Any) -> list[str]:
        """The part looks what is due; what it says."""
        FakeClient.results = list(results)
        ((look, _period),) = self.part.chores()
        with said() as lines:
            look()
        assert FakeClient.results == []
        return list(lines)

    def chain(self, *names: str) -> bytes:
        octets = placeholder(names, dt.datetime.fromtimestamp(self.now, dt.UTC))
        return octets[: octets.index(b"-----BEGIN PRIVATE")]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_what_is_missing_is_got_and_renewed_in_time(world: World) -> None:
    world.look(world.chain("a.example", "b.example"))
    assert b"PRIVATE KEY" in Path(world.certificate.file).read_bytes()
    world.look()
    found = x509.load_pem_x509_certificate(Path(world.certificate.file).read_bytes())
    life = found.not_valid_after_utc - found.not_valid_before_utc
    world.now = found.not_valid_after_utc.timestamp() - life.total_seconds() / 3 - 1
    world.look()
    world.now += 2
    world.look(world.chain("a.example", "b.example"))


def test_nobody_is_asked_before_clients_are_served_but_for_a_start_that_never_ends(world: World) -> None:
    world.serves = False
    world.look()
    world.clock.advance(PATIENCE - 1)
    world.look()
    world.clock.advance(1)
    world.look(world.chain("a.example", "b.example"))
    assert Path(world.certificate.file).exists()


def test_other_names_are_another_certificate(world: World) -> None:
    world.look(world.chain("a.example"))
    world.look(world.chain("a.example", "b.example"))
    world.look()


def test_failures_wait_longer_each_time_and_over_a_restart(world: World) -> None:
    (line,) = [one for one in world.look(AcmeError("not shown")) if "failed" in one]
    assert "not shown; try 1 failed" in line
    world.look()
    world.part = world.made()
    world.look()
    world.now += 80
    assert any("try 2 failed" in one for one in world.look(AcmeError("again", 7200.0)))
    world.now += 7000
    world.look()
    world.now += 300
    world.look(world.chain("a.example", "b.example"))
    assert world.made()._files.tries() == {}


def test_a_defect_of_ours_ends_one_order_only(world: World) -> None:
    assert any("please report" in one for one in world.look(ZeroDivisionError()))
    assert world.part.under_way == ""


def test_one_order_at_a_time_and_none_behind_the_end(world: World) -> None:
    pending: Deferred[bytes] = Deferred()
    world.look(pending)
    assert world.part.under_way == NAME
    world.look()
    world.part.stop(0.0)
    assert world.part.under_way == ""


def test_a_disk_that_takes_nothing_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AcmeFiles, "make", full)
    assert any("No space left" in one for one in world.look())


def test_while_another_program_gets_them_nobody_is_asked(world: World) -> None:
    world.part.let_go()
    world.look()
    world.part.go_on()
    world.look(world.chain("a.example", "b.example"))
