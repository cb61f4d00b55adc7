"""Contexts, tried by handshakes in memory between OpenSSL (ours) and Python's ssl."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import ssl
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from OpenSSL import SSL

from director.tls.io.certificates import CertificateError, Pair, make_pair
from director.tls.io.contexts import (
    TICKET_SECONDS,
    Clients,
    ServerContexts,
    client_context,
    refusal,
    verify_name,
)
from tests.support.certificates import Made, make, ocsp_response

AUTHORITY = make(authority=True, subject="Test CA")


def pair(made: Made, staple: bytes = b"", until: float = math.inf) -> Pair:
    return evolve(make_pair("t", made.chain, made.key, "t.crt", "t.key"), staple=staple, staple_until=until)


class Handshake:
    """Both ends in memory; `client` knows whom it met."""

    def __init__(self, found: ServerContexts, name: str | None, **client: object) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=AUTHORITY.chain.decode("ascii"))
        context.verify_mode = ssl.CERT_REQUIRED
        if "ciphers" in client:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(str(client["ciphers"]))
        if "most" in client:
            context.maximum_version = client["most"]  # type: ignore[assignment]
        if "certificate" in client:
            context.load_cert_chain(*client["certificate"])  # type: ignore[misc]
        if "alpn" in client:
            context.set_alpn_protocols(client["alpn"])  # type: ignore[arg-type]
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = context.wrap_bio(
            self._in,
            self._out,
            server_hostname=name,
            session=client.get("session"),  # type: ignore[arg-type]
        )
        self.server = SSL.Connection(found.base, None)
        self.server.set_accept_state()
        self._run()

    def _run(self) -> None:
        done = {"client": False, "server": False}
        for _ in range(10):
            for name, end in (("client", self.client), ("server", self.server)):
                if not done[name]:
                    try:
                        end.do_handshake()
                        done[name] = True
                    except (ssl.SSLWantReadError, SSL.WantReadError):
                        pass
                    except SSL.Error:
                        self._move()
                        raise
                self._move()
        assert all(done.values())
        with pytest.raises(ssl.SSLWantReadError):
            self.client.read(1)  # tickets

    def _move(self) -> None:
        if octets := self._out.read():
            self.server.bio_write(octets)
        while True:
            try:
                self._in.write(self.server.bio_read(65536))
            except SSL.WantReadError:
                return

    @property
    def names(self) -> list[str]:
        shown: Any = self.client.getpeercert() or {}
        return [value for _, value in shown.get("subjectAltName", ())]


def serving(*made: Made, profile: str = "intermediate", **more: object) -> ServerContexts:
    found = ServerContexts(profile, more.get("protocols", ()), b"t", more.get("clients", Clients()))  # type: ignore[arg-type]
    found.serve([pair(one) for one in made])
    return found


SHOP, WILD = make("shop.example", issuer=AUTHORITY), make("*.example", issuer=AUTHORITY)
SHOP_RSA = make("shop.example", issuer=AUTHORITY, kind="rsa")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("shop.example", ["shop.example"]),
        ("b.example", ["*.example"]),
        (None, ["shop.example"]),
        ("x", ["shop.example"]),
    ],
)
def test_the_name_chooses(name: str | None, names: list[str]) -> None:
    assert Handshake(serving(SHOP, WILD), name).names == names


@pytest.mark.parametrize(
    ("ciphers", "kind"), [("ECDHE-RSA-AES128-GCM-SHA256", "RSA"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA")]
)
def test_a_client_gets_the_kind_of_key_that_it_can_check(ciphers: str, kind: str) -> None:
    met = Handshake(serving(SHOP, SHOP_RSA), "shop.example", ciphers=ciphers)
    cipher = met.client.cipher()
    assert cipher is not None
    assert kind in cipher[0]


def test_modern_speaks_nothing_older() -> None:
    assert Handshake(serving(SHOP, profile="modern"), "shop.example").client.version() == "TLSv1.3"
    with pytest.raises((SSL.Error, ssl.SSLError)):
        Handshake(serving(SHOP, profile="modern"), "shop.example", most=ssl.TLSVersion.TLSv1_2)


def test_intermediate_speaks_1_2_too() -> None:
    met = Handshake(serving(SHOP), "shop.example", most=ssl.TLSVersion.TLSv1_2)
    assert met.client.version() == "TLSv1.2"


def test_the_servers_preference_of_protocols_counts() -> None:
    met = Handshake(serving(SHOP, protocols=(b"h2", b"http/1.1")), "shop.example", alpn=["http/1.1", "h2"])
    assert met.client.selected_alpn_protocol() == "h2"


def test_no_protocol_in_common_is_an_alert() -> None:
    """RFC 7301 3.2: no_application_protocol."""
    with pytest.raises((SSL.Error, ssl.SSLError)):
        Handshake(serving(SHOP, protocols=(b"h2",)), "shop.example", alpn=["smtp"])


def test_a_session_is_resumed_also_after_the_certificates_changed() -> None:
    found = serving(SHOP)
    first = Handshake(found, "shop.example")
    assert not first.client.session_reused
    found.serve([pair(make("shop.example", issuer=AUTHORITY))])
    context = first.client.context
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    again = context.wrap_bio(incoming, outgoing, server_hostname="shop.example", session=first.client.session)
    server = SSL.Connection(found.base, None)
    server.set_accept_state()
    for _ in range(4):
        for step in (again.do_handshake, server.do_handshake):
            with contextlib.suppress(ssl.SSLWantReadError, SSL.WantReadError):
                step()
            if octets := outgoing.read():
                server.bio_write(octets)
            with contextlib.suppress(SSL.WantReadError):
                incoming.write(server.bio_read(65536))
    assert again.session_reused


def test_new_certificates_are_served_to_new_connections() -> None:
    found = serving(SHOP)
    assert Handshake(found, "other.example").names == ["shop.example"]
    found.serve([pair(make("other.example", issuer=AUTHORITY))])
    assert Handshake(found, "other.example").names == ["other.example"]


def revocations(*revoked: Made) -> bytes:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(AUTHORITY.certificate.subject)
        .last_update(now - dt.timedelta(hours=1))
        .next_update(now + dt.timedelta(days=1))
    )
    for one in revoked:
        entry = (
            x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(now)
        )
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(AUTHORITY.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_clients(tmp_path: Path) -> None:
    authorities, revoked = tmp_path / "ca.pem", tmp_path / "crl.pem"
    authorities.write_bytes(AUTHORITY.chain)
    good, bad = make(subject="good", issuer=AUTHORITY), make(subject="bad", issuer=AUTHORITY)
    revoked.write_bytes(revocations(bad))
    demanding = serving(SHOP, clients=Clients("required", str(authorities), str(revoked)))
    optional = serving(SHOP, clients=Clients("optional", str(authorities), str(revoked)))
    for found in (demanding, optional):
        met = Handshake(found, "shop.example", certificate=good.write(tmp_path, "good"))
        shown = met.server.get_peer_certificate(as_cryptography=True)
        assert shown is not None
        assert shown.serial_number == good.certificate.serial_number
        with pytest.raises((SSL.Error, ssl.SSLError)):
            Handshake(found, "shop.example", certificate=bad.write(tmp_path, "bad"))
        with pytest.raises((SSL.Error, ssl.SSLError)):
            Handshake(found, "shop.example", certificate=make(subject="x").write(tmp_path, "x"))
    assert Handshake(optional, "shop.example").server.get_peer_certificate() is None
    with pytest.raises((SSL.Error, ssl.SSLError)):
        Handshake(demanding, "shop.example")


def test_what_cannot_be_used_says_so(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"junk")
    with pytest.raises(CertificateError, match=r"tls\.client_ca"):
        serving(SHOP, clients=Clients("required", str(junk)))
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(AUTHORITY.chain)
    with pytest.raises(CertificateError, match="revocation list"):
        serving(SHOP, clients=Clients("required", str(authorities), str(junk)))
    with pytest.raises(CertificateError, match=r"tls\.ca"):
        client_context(verify=True, authorities=str(junk))


@pytest.mark.parametrize("good", [True, False])
def test_a_response_is_stapled_until_it_ends(good: bool) -> None:
    """Of a certificate that nobody touches; a client that is shown an old one takes the server for broken."""
    found = ServerContexts("intermediate", (), b"t")
    made = make("shop.example", issuer=AUTHORITY)
    response = ocsp_response(made, AUTHORITY)
    found.serve([pair(made, response, math.inf if good else 1.0)])
    told: list[bytes] = []
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)

    def answered(_connection: SSL.Connection, octets: bytes, _data: Any) -> bool:
        told.append(octets)
        return True

    context.set_ocsp_client_callback(answered)
    client, server = SSL.Connection(context), SSL.Connection(found.base)
    client.set_connect_state()
    client.set_tlsext_host_name(b"shop.example")
    client.request_ocsp()
    server.set_accept_state()
    for _ in range(4):
        for near, far in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                near.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                far.bio_write(near.bio_read(65536))
    assert told == [response if good else b""]


def test_the_keys_of_tickets_live_for_a_day() -> None:
    found = ServerContexts("intermediate", (), b"t")
    first = found.current(1000.0)
    assert found.current(1000.0 + TICKET_SECONDS) is first
    second = found.current(1001.0 + TICKET_SECONDS)
    assert second is not first
    assert found.current(1000.0 + 2 * TICKET_SECONDS) is second


def refused(authorities: str, wrong: str) -> str:
    """Why a connection to a good server is refused under a fault, "" when it is not."""
    context = client_context(verify=True, authorities=authorities, wrong=wrong)
    client, server = SSL.Connection(context, None), SSL.Connection(serving(SHOP).base, None)
    client.set_connect_state()
    client.set_tlsext_host_name(b"shop.example")
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
    return verify_name(client, "shop.example")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("", ""),
        ("wrong_name", ""),  # of the name that is asked for, not of the context
        ("expired", "certificate verify failed: certificate has expired"),
        ("unknown_ca", "certificate verify failed: unable to get local issuer certificate"),
    ],
)
def test_a_good_server_is_refused_under_a_fault(tmp_path: Path, wrong: str, why: str) -> None:
    """The words are those of X509_verify_cert_error_string(3)."""
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(AUTHORITY.chain)
    assert refused(str(authorities), wrong) == why
