"""Certificates for tests, made on the spot."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path
from typing import Any

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@frozen
class Made:
    """A certificate with its key, and both as PEM."""

    certificate: x509.Certificate
    private: PrivateKey

    @property
    def chain(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key(self) -> bytes:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def write(self, folder: Path, stem: str) -> tuple[str, str]:
        """Paths of the chain and the key."""
        chain, key = folder / f"{stem}.crt", folder / f"{stem}.key"
        chain.write_bytes(self.chain)
        key.write_bytes(self.key)
        return str(chain), str(key)


def make(
    *names: str,
    kind: str = "ecdsa",
    days: float = 30.0,
    issuer: Made | None = None,
    authority: bool = False,
    subject: str = "",
) -> Made:
    """A certificate for DNS names and addresses, of its own or of an issuer."""
    private: PrivateKey
    if kind == "rsa":
        private = rsa.generate_private_key(65537, 2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, subject or (names[0] if names else "test"))]
    )
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called if issuer is None else issuer.certificate.subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=60))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
        )
    return Made(builder.sign(private if issuer is None else issuer.private, hashes.SHA256()), private)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def ocsp_response(leaf: Made | None, issuer: Made, hours: float = 1.0, *, revoked: bool = False) -> bytes:
    """What the issuer's responder says of a certificate (DER), of None that it says nothing."""
    if leaf is None:
        return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED).public_bytes(
            serialization.Encoding.DER
        )
    now = dt.datetime.now(dt.UTC)
    signer = x509.load_pem_x509_certificate(issuer.chain)
    status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
    key: Any = serialization.load_pem_private_key(issuer.key, None)
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=x509.load_pem_x509_certificate(leaf.chain),
            issuer=signer,
            algorithm=hashes.SHA1(),
            cert_status=status,
            this_update=now - dt.timedelta(days=2),
            next_update=now + dt.timedelta(hours=hours),
            revocation_time=now - dt.timedelta(days=1) if revoked else None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
