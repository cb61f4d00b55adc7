from __future__ import annotations

from director.config.schema.l7 import L7
from director.config.schema.pools import POOL
from director.config.schema.tls import CERT, LISTENER_KEYS, SERVER_KEYS


def test_the_keys_of_the_design_are_there() -> None:
    assert {key.name for key in CERT.keys} == {"file", "key", "folder", "ocsp"}
    assert {key.name for key in LISTENER_KEYS} == {
        "tls", "tls.profile", "tls.client", "tls.client_ca", "tls.crl", "client_cert", "h2", "h2c", "hsts",
    }  # fmt: skip
    assert {key.name for key in SERVER_KEYS} == {
        "tls", "tls.verify", "tls.ca", "tls.name", "tls.cert", "send_proxy",
    }  # fmt: skip


def test_services_and_pools_have_them() -> None:
    assert set(LISTENER_KEYS) <= set(L7.keys)
    assert set(SERVER_KEYS) <= set(POOL.keys)
