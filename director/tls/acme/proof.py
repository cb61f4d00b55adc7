"""What shows an authority that a name is ours, and what is asked to be signed.

Source: RFC 8555 8.1, 8.3 (http-01); RFC 8737 3 (tls-alpn-01); RFC 2986 (the request).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HTTP, ALPN = "http-01", "tls-alpn-01"
PATH = "/.well-known/acme-challenge/"
"""Where an authority looks for a token (RFC 8555 8.3)."""
PROTOCOL = b"acme-tls/1"
"""What it speaks when it looks inside TLS (RFC 8737 3)."""
_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
"""id-pe-acmeIdentifier (RFC 8737 3)."""
_DAY = dt.timedelta(days=1)


def alpn_pair(name: str, authorization: str, now: dt.datetime) -> bytes:
    """Certificate and key, PEM, that answer a tls-alpn-01 challenge."""
    digest = hashlib.sha256(authorization.encode("ascii")).digest()
    octets = b"\x04" + bytes((len(digest),)) + digest  # an OCTET STRING in DER
    return _self_signed((name,), now, x509.UnrecognizedExtension(_IDENTIFIER, octets))


def placeholder(names: Sequence[str], now: dt.datetime) -> bytes:
    """Certificate and key, PEM, that no client believes: for as long as there is no other."""
    return _self_signed(names, now, None)


def request(names: Sequence[str]) -> tuple[bytes, bytes]:
    """A new key (PEM) and the request for its certificate (DER)."""
    private = ec.generate_private_key(ec.SECP256R1())
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(_names(names), critical=False)
        .sign(private, hashes.SHA256())
    )
    return _pem(private), asked.public_bytes(serialization.Encoding.DER)


def _self_signed(names: Sequence[str], now: dt.datetime, extension: x509.ExtensionType | None) -> bytes:
    private = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0][:64])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(_names(names), critical=False)
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    made = builder.sign(private, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM) + _pem(private)


def _names(names: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(name) for name in names])


def _pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
