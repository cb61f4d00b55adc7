"""Certificates from files: a chain with its key, checked before anybody serves it.

A pair is good when both parse, the key belongs to the first certificate, and that is no authority by
mistake; being out of date is said but is no reason to refuse (the client will).  What is wrong is a
`CertificateError` with what to do.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve, field, frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import ocsp

from director.errors import DirectorError

LARGEST_FILE = 1 << 20
"""Octets of a file with certificates that are read: a chain has some thousand."""
LEAST_RSA_BITS = 2048


class CertificateError(DirectorError):
    """A pair cannot be served; the message names the file and says what to do."""


@frozen
class Pair:
    """A certificate that can be served.

    `chain` and `key` are PEM; `names` what it is good for (subjectAltName: DNS names and addresses),
    `until` its last moment (Unix seconds), `kind` of its key: `rsa` or `ecdsa` or another name; `staple` an
    OCSP response, if any, which is good until `staple_until` (Unix seconds).
    """

    name: str
    path: str
    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)
    names: tuple[str, ...]
    until: float
    kind: str
    issuer: str
    staple: bytes = field(default=b"", repr=False)
    staple_until: float = 0.0

    @property
    def digest(self) -> str:
        """Of chain, key and staple: two pairs with the same are the same."""
        return hashlib.sha256(self.chain + b"\0" + self.key + b"\0" + self.staple).hexdigest()


def read_pair(name: str, chain_path: str, key_path: str = "") -> Pair:
    """The pair of two files (one, with both, when `key_path` is empty).  Raises CertificateError."""
    chain = _content(chain_path)
    key = _content(key_path) if key_path else chain
    return make_pair(name, chain, key, chain_path, key_path or chain_path)


def stapled(pair: Pair, path: str, now: float) -> Pair:
    """The pair with the OCSP response of a file; `now` is Unix time.  Raises CertificateError.

    It must be a good one about this very certificate that has not ended: a client that is shown any other
    takes the certificate for revoked, or the server for broken (RFC 6961 2.2, RFC 7633 4).
    """
    octets = _content(path)
    try:
        found = ocsp.load_der_ocsp_response(octets)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise CertificateError(f"{path} is no answer ({found.response_status.name}); ask again")
        serial, until = found.serial_number, found.next_update_utc
        revoked = found.certificate_status is ocsp.OCSPCertStatus.REVOKED
    except ValueError as error:
        raise CertificateError(f"{path} has no OCSP response in DER ({error})") from error
    if serial != x509.load_pem_x509_certificate(pair.chain).serial_number:
        raise CertificateError(f"{path} is about another certificate than {pair.path}; ask for this one")
    if revoked:
        raise CertificateError(f"{path} says that {pair.path} is revoked; put another one in its place")
    end_of_it = math.inf if until is None else until.timestamp()
    if end_of_it <= now:
        raise CertificateError(f"the response in {path} has ended; ask the responder for a new one")
    return evolve(pair, staple=octets, staple_until=end_of_it)


def read_folder(name: str, folder: str) -> Iterator[Pair | CertificateError]:
    """Every `*.pem` of a folder, by name: the pair, or why it is none."""
    for path in sorted(Path(folder).glob("*.pem")):
        try:
            yield read_pair(f"{name}/{path.stem}", str(path))
        except CertificateError as error:
            yield error


def make_pair(name: str, chain: bytes, key: bytes, path: str, key_path: str) -> Pair:
    """A pair of octets; the paths are for messages."""
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise CertificateError(f"{path} has no certificate in PEM ({error})") from error
    leaf = certificates[0]
    try:
        private = load_pem_private_key(key, None)
    except TypeError as error:
        raise CertificateError(
            f"the key in {key_path} is encrypted; write it without a password: openssl pkey -in {key_path}"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{key_path} has no private key in PEM ({error})") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise CertificateError(f"the key in {key_path} is not that of the first certificate in {path}")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < LEAST_RSA_BITS:
        raise CertificateError(
            f"the key in {key_path} has {private.key_size} bits; clients want 2048 or more"
        )
    return Pair(
        name,
        path,
        chain,
        key,
        _names(leaf),
        leaf.not_valid_after_utc.timestamp(),
        _kind(private),
        leaf.issuer.rfc4514_string(),
    )


def days_left(pair: Pair, now: float) -> float:
    """Days until it ends (negative when it has ended); `now` in Unix seconds."""
    return (pair.until - now) / 86400.0


def end(pair: Pair) -> str:
    """The last day, for people."""
    return datetime.fromtimestamp(pair.until, UTC).strftime("%Y-%m-%d")


def _kind(private: object) -> str:
    if isinstance(private, rsa.RSAPrivateKey):
        return "rsa"
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return "ecdsa"
    return type(private).__name__.removesuffix("PrivateKey").lower()


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    """What the certificate is good for; its common name where there is no subjectAltName."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return tuple(str(one.value) for one in common)
    addresses = (str(address) for address in found.get_values_for_type(x509.IPAddress))
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_FILE:
        raise CertificateError(f"{path} is larger than a megabyte; name a file with certificates")
    return data
