from __future__ import annotations

from OpenSSL import SSL

from director.tls.profiles import PROFILES, TLS12, TLS13

GUIDELINES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
}  # fmt: skip
"""The elliptic suites of Mozilla's `intermediate`, guidelines 5.7."""


def test_the_profiles_are_mozillas() -> None:
    assert {name: profile.least for name, profile in PROFILES.items()} == {
        "intermediate": TLS12,
        "modern": TLS13,
    }
    assert set(PROFILES["intermediate"].ciphers.split(":")) == GUIDELINES
    assert len(PROFILES["modern"].suites.split(":")) == 3


def test_openssl_knows_all_of_them() -> None:
    """It passes over names that it does not know, so they are counted."""
    for profile in PROFILES.values():
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_tls13_ciphersuites(profile.suites.encode("ascii"))
        context.set_cipher_list((profile.ciphers or "ECDHE-RSA-AES128-GCM-SHA256").encode("ascii"))
        known = SSL.Connection(context).get_cipher_list()
        wanted = profile.suites.split(":") + [one for one in profile.ciphers.split(":") if one]
        assert set(wanted) <= set(known)
