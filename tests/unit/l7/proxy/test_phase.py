"""The constants that the parts of an exchange share."""

from __future__ import annotations

from director.l7.proxy.phase import DEFAULT_TIMEOUTS, IDEMPOTENT, Phase


def test_the_idempotent_methods_are_those_of_rfc_9110() -> None:
    # RFC 9110 9.2.2: PUT, DELETE, and the safe methods of 9.2.1.
    assert frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE")) == IDEMPOTENT


def test_every_phase_says_what_it_waits_for() -> None:
    assert all(phase.value for phase in Phase)
    assert len({phase.value for phase in Phase}) == len(Phase)


def test_a_target_without_a_pool_has_time_outs_too() -> None:
    assert DEFAULT_TIMEOUTS.connect > 0
