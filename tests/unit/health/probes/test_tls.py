from __future__ import annotations

import pytest

from director.health.probes.tls import Handshake, TlsProbe, judge
from director.model.pools import Check

DAY = 86400.0


@pytest.mark.parametrize(
    ("days", "lasts", "judgement"),
    [
        (None, 30.5 * DAY, (True, "TLSv1.3, the certificate lasts 30.5 days")),
        (14.0, 30.5 * DAY, (True, "TLSv1.3, the certificate lasts 30.5 days")),
        (31.0, 30.5 * DAY, (False, "the certificate lasts 30.5 days, expected 31")),
        (14.0, -2.0 * DAY, (False, "TLSv1.3, the certificate ended 2.0 days ago")),
        # Nobody verifies (`tls.verify = no`), and nothing was asked for.
        (None, -2.0 * DAY, (True, "TLSv1.3, the certificate ended 2.0 days ago")),
        (14.0, None, (False, "TLSv1.3, no certificate")),
    ],
)
def test_a_certificate_must_last_as_long_as_is_expected(
    days: float | None, lasts: float | None, judgement: tuple[bool, str]
) -> None:
    assert judge(Check("c", "tls", days=days), Handshake("TLSv1.3", lasts)) == judgement


def test_a_handshake_is_enough() -> None:
    probe = TlsProbe()
    assert probe.closed() == (False, "the connection was closed in the handshake")
    probe.said = "TLSv1.2"
    assert probe.begin() == b""
    assert (probe.judgement, probe.closed()) == ((True, "TLSv1.2"), (True, "TLSv1.2"))
