from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from cryptography import x509
from OpenSSL import SSL

from director.demo.authority import authority, served
from director.tls.io.certificates import make_pair
from director.tls.io.contexts import ServerContexts, client_context, refusal, verify_name
from tests.support.running import ROOT

SHIPPED = ROOT / "etc" / "drills" / "demo-ca.pem"


def refused(authorities: Path, pem: bytes, name: str) -> str:
    """Why OpenSSL and service-identity do not take a demo server for `name`, "" when they do."""
    contexts = ServerContexts("intermediate", (), b"t")
    contexts.serve([make_pair("demo", pem, pem, "demo.pem", "demo.pem")])
    client = SSL.Connection(client_context(verify=True, authorities=str(authorities)), None)
    server = SSL.Connection(contexts.base, None)
    client.set_connect_state()
    server.set_accept_state()
    for _ in range(6):
        for end, other in ((client, server), (server, client)):
            try:
                end.do_handshake()
            except SSL.WantReadError:
                pass
            except SSL.Error as error:
                return refusal(error, end)
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(end.bio_read(65536))
    return verify_name(client, name)


@pytest.mark.parametrize("name", ["localhost", "127.0.11.10"])
def test_what_is_shipped_is_good_for_every_demo_server(name: str) -> None:
    assert refused(SHIPPED, served("127.0.11.10"), name) == ""


def test_it_is_good_for_this_machine_alone() -> None:
    """Everybody has the key, so a certificate for somebody else must be worth nothing (RFC 5280 4.2.1.10)."""
    assert "permitted subtree violation" in refused(SHIPPED, served("192.0.2.1"), "192.0.2.1")
    limits = x509.load_pem_x509_certificate(SHIPPED.read_bytes()).extensions
    assert limits.get_extension_for_class(x509.NameConstraints).critical


def test_what_is_printed_has_the_key_of_what_is_shipped() -> None:
    """The signature is another one each time (ECDSA)."""
    shipped, printed = (x509.load_pem_x509_certificate(one) for one in (SHIPPED.read_bytes(), authority()))
    assert shipped.tbs_certificate_bytes == printed.tbs_certificate_bytes


def test_one_that_listens_nowhere_in_particular_is_localhost() -> None:
    assert refused(SHIPPED, served(""), "localhost") == ""
    assert (
        refused(SHIPPED, served("127.0.0.1"), "127.0.0.2") == "the server's certificate is not for 127.0.0.2"
    )
