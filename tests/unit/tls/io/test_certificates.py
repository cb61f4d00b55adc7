from __future__ import annotations

import time
from pathlib import Path

import pytest
from attrs import evolve
from cryptography.hazmat.primitives import serialization

from director.tls.io.certificates import (
    CertificateError,
    Pair,
    days_left,
    end,
    make_pair,
    read_folder,
    read_pair,
    stapled,
)
from tests.support.certificates import make, ocsp_response

AUTHORITY = make(authority=True, subject="Test CA")
SIGNED = make("shop.example", issuer=AUTHORITY)
SHOP = make("shop.example", "*.shop.example", "192.0.2.1", days=30)


def test_a_pair_of_two_files_and_of_one(tmp_path: Path) -> None:
    chain, key = SHOP.write(tmp_path, "shop")
    both = tmp_path / "both.pem"
    both.write_bytes(SHOP.key + SHOP.chain)
    for found in (read_pair("shop", chain, key), read_pair("shop", str(both))):
        assert found.names == ("shop.example", "*.shop.example", "192.0.2.1")
        assert found.kind == "ecdsa"
        assert 29 < days_left(found, time.time()) < 30
    assert len(end(found)) == 10


def test_what_a_pair_shows_has_no_key(tmp_path: Path) -> None:
    assert "PRIVATE" not in repr(read_pair("shop", *SHOP.write(tmp_path, "shop")))


def test_a_folder(tmp_path: Path) -> None:
    for number, made in enumerate((SHOP, make("b.example", kind="rsa"))):
        (tmp_path / f"{number}.pem").write_bytes(made.chain + made.key)
    (tmp_path / "2.pem").write_bytes(b"junk")
    (tmp_path / "notes.txt").write_bytes(b"no certificate")
    first, second, third = read_folder("wild", str(tmp_path))
    assert isinstance(first, Pair)
    assert isinstance(second, Pair)
    assert (first.name, second.name, second.kind) == ("wild/0", "wild/1", "rsa")
    assert isinstance(third, CertificateError)
    assert "2.pem has no certificate" in str(third)


def encrypted() -> bytes:
    return SHOP.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


@pytest.mark.parametrize(
    ("chain", "key", "why"),
    [
        (b"", SHOP.key, "no certificate in PEM"),
        (SHOP.chain, b"", "no private key in PEM"),
        (SHOP.chain, make("shop.example").key, "is not that of the first certificate"),
        (SHOP.chain, encrypted(), "encrypted; write it without a password"),
        (SHOP.key, SHOP.key, "no certificate in PEM"),
    ],
)
def test_what_cannot_be_served(chain: bytes, key: bytes, why: str) -> None:
    with pytest.raises(CertificateError, match=why):
        make_pair("shop", chain, key, "shop.crt", "shop.key")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="cannot be read: No such file"):
        read_pair("shop", str(tmp_path / "none.pem"))


def test_what_changes_a_pair_changes_its_digest() -> None:
    one = make_pair("a", SHOP.chain, SHOP.key, "", "")
    assert one.digest == make_pair("b", SHOP.chain, SHOP.key, "x", "y").digest
    assert one.digest != evolve(one, staple=b"staple").digest


NOW = time.time()


def test_a_response_is_stapled_for_as_long_as_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "shop.ocsp"
    path.write_bytes(ocsp_response(SIGNED, AUTHORITY, hours=2))
    now = time.time()
    found = stapled(make_pair("a", SIGNED.chain, SIGNED.key, "", ""), str(path), now)
    assert found.staple == path.read_bytes()
    assert abs(found.staple_until - now - 7200) < 60


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"junk", "no OCSP response in DER"),
        (ocsp_response(SIGNED, AUTHORITY, hours=-1), "has ended"),
        (ocsp_response(SIGNED, AUTHORITY, revoked=True), "is revoked"),
        (ocsp_response(make("other", issuer=AUTHORITY), AUTHORITY), "about another certificate"),
        (ocsp_response(None, AUTHORITY), "is no answer"),
    ],
    ids=["junk", "ended", "revoked", "another", "unauthorized"],
)
def test_any_other_response_is_not(tmp_path: Path, octets: bytes, text: str) -> None:
    path = tmp_path / "shop.ocsp"
    path.write_bytes(octets)
    with pytest.raises(CertificateError, match=text):
        stapled(make_pair("a", SIGNED.chain, SIGNED.key, "", ""), str(path), NOW)
