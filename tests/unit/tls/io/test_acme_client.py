from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from director.tls.acme.order import Rest, Show, Steps
from director.tls.io.acme_client import AcmeClient, read_authorities
from tests.support.certificates import make


def outcome(found: Deferred[Any]) -> list[Any]:
    """What comes of it."""
    seen: list[Any] = []
    found.addBoth(seen.append)
    return seen


def test_steps_are_performed_in_order() -> None:
    clock: Any = Clock()
    shown: list[Show] = []
    proof = Show("http-01", "a.example", "t", "t.p")

    def steps() -> Steps:
        yield proof
        yield Rest(3.0)
        return b"done"

    seen = outcome(AcmeClient(clock).perform(steps(), shown.append))
    clock.advance(2.9)
    assert (shown, seen) == ([proof], [])
    clock.advance(0.2)
    assert seen == [b"done"]


def test_what_a_proof_cannot_do_ends_it() -> None:
    clock: Any = Clock()

    def steps() -> Steps:
        yield Show("http-01", "a.example", "t", "t.p")

    def full(_: Show) -> None:
        raise OSError(28, "no space")

    (failure,) = outcome(AcmeClient(clock).perform(steps(), full))
    assert failure.check(OSError)


def test_authorities_are_those_of_the_file(tmp_path: Any) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(make("ca.example", authority=True).chain * 2)
    assert AcmeClient(Clock(), read_authorities(str(path)))
    assert read_authorities("") == b""
