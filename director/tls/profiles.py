"""Mozilla's recommended configurations, by name.

Source: "Server Side TLS", guidelines 5.7 (Mozilla): versions, cipher suites in OpenSSL's names.  The
finite-field suites (DHE) of `intermediate` are left out: they need parameters of their own, and every
client that has one of them has an elliptic one as well.
"""

from __future__ import annotations

from attrs import frozen

TLS12, TLS13 = 0x0303, 0x0304
"""Versions as they are on the wire (RFC 5246 6.2.1, RFC 8446 4.2.1)."""


@frozen
class Profile:
    """`ciphers` are those of TLS 1.2, `suites` those of TLS 1.3; clients choose among them."""

    name: str
    least: int
    ciphers: str
    suites: str


_SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "intermediate",
            TLS12,
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
            "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
            "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
            _SUITES,
        ),
        Profile("modern", TLS13, "", _SUITES),
    )
}
