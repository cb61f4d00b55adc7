"""Who signs for the demo servers that speak TLS (`[demo:NAME] tls = yes`): an authority that is no secret.

Its key is made of a text that stands here, so that `etc/drills/demo-ca.pem` is good for every demo server on
every machine, and no key lies in a file.  For the same reason its certificate is good for this machine alone:
it is constrained to `localhost` and the addresses of loopback (RFC 5280 4.2.1.10).

`python -m director.demo.authority` prints that certificate.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import sys
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAYS = 30
"""How long the certificate of a server is good: a demo server makes one at each start."""
_KEY = ec.derive_private_key(
    int.from_bytes(sha256(b"demo servers of the director: everybody has this key").digest(), "big") >> 1,
    ec.SECP256R1(),
)
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "demo servers of the director")])
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_MADE = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_ENDS = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


def authority() -> bytes:
    """The certificate that a pool's `tls.ca` names, in PEM."""
    networks = [x509.IPAddress(ipaddress.ip_network(one)) for one in _LOOPBACK]
    builder = _builder(_NAME, _KEY.public_key(), 1, _MADE, _ENDS)
    for extension in (
        x509.BasicConstraints(ca=True, path_length=0),
        x509.NameConstraints([x509.DNSName("localhost"), *networks], None),
        _usage(signs=True),
    ):
        builder = builder.add_extension(extension, critical=True)
    key = x509.SubjectKeyIdentifier.from_public_key(_KEY.public_key())
    return _signed(builder.add_extension(key, critical=False))


def served(host: str) -> bytes:
    """Chain and key of a new certificate for `localhost` and the address on which a demo server listens."""
    private = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    with contextlib.suppress(ValueError):  # a unix socket, or all addresses: it has none of its own
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a demo server")])
    serial = x509.random_serial_number()
    ends = now + dt.timedelta(days=DAYS)
    builder = _builder(called, private.public_key(), serial, now - dt.timedelta(hours=1), ends)
    key = x509.AuthorityKeyIdentifier.from_issuer_public_key(_KEY.public_key())
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs=False), critical=True).add_extension(key, critical=False)
    return _signed(builder) + private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _builder(
    subject: x509.Name, public: ec.EllipticCurvePublicKey, serial: int, begins: dt.datetime, ends: dt.datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(_NAME).public_key(public)
    return builder.serial_number(serial).not_valid_before(begins).not_valid_after(ends)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(builder: x509.CertificateBuilder) -> bytes:
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    sys.stdout.write(authority().decode())
