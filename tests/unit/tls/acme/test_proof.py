from __future__ import annotations

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from director.tls.acme.proof import alpn_pair, placeholder, request

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)


def names_of(found: x509.Certificate | x509.CertificateSigningRequest) -> list[str]:
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(names.get_values_for_type(x509.DNSName))


def test_a_proof_inside_tls() -> None:
    """RFC 8737 3: one name, and a critical extension with the digest as an OCTET STRING."""
    found = x509.load_pem_x509_certificate(alpn_pair("a.example", "token.print", NOW))
    (extension,) = [one for one in found.extensions if one.oid.dotted_string == "1.3.6.1.5.5.7.1.31"]
    assert extension.critical
    assert isinstance(extension.value, x509.UnrecognizedExtension)
    assert extension.value.value == b"\x04\x20" + hashlib.sha256(b"token.print").digest()
    assert names_of(found) == ["a.example"]
    assert found.not_valid_before_utc < NOW < found.not_valid_after_utc


def test_what_stands_in_has_the_names_and_its_key() -> None:
    octets = placeholder(("a.example", "b.example"), NOW)
    found = x509.load_pem_x509_certificate(octets)
    assert names_of(found) == ["a.example", "b.example"]
    key = load_pem_private_key(octets, None)
    assert key.public_key() == found.public_key()


def test_a_request_is_signed_by_its_own_new_key() -> None:
    key, asked = request(("a.example", "b.example"))
    found = x509.load_der_x509_csr(asked)
    assert found.is_signature_valid
    assert names_of(found) == ["a.example", "b.example"]
    assert load_pem_private_key(key, None).public_key() == found.public_key()
    assert request(("a.example",))[0] != key
