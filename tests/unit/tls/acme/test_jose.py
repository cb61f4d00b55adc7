from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from director.tls.acme.jose import AccountKey, base64url
from tests.support.authority import octets

# The key of RFC 7515 A.3.1.
X, Y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
D = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"


def key_of_the_rfc() -> AccountKey:
    return AccountKey(ec.derive_private_key(int.from_bytes(octets(D), "big"), ec.SECP256R1()))


def test_the_public_half() -> None:
    assert key_of_the_rfc().jwk == {"kty": "EC", "crv": "P-256", "x": X, "y": Y}


def test_the_thumbprint() -> None:
    """RFC 7638 3.2: the required members in lexicographic order, without white space."""
    text = f'{{"crv":"P-256","kty":"EC","x":"{X}","y":"{Y}"}}'.encode()
    digest = hashes.Hash(hashes.SHA256())
    digest.update(text)
    assert octets(key_of_the_rfc().thumbprint) == digest.finalize()


@pytest.mark.parametrize("payload", [None, {}, {"a": "ä"}])
@pytest.mark.parametrize("account", ["", "https://ca.example/account/1"])
def test_a_signature_can_be_verified(payload: object, account: str) -> None:
    """RFC 7515 5.2, RFC 7518 3.4, with the library's own reading of signatures."""
    key = AccountKey.make()
    found = json.loads(key.signed("https://ca.example/x", "n", payload, account))
    header = json.loads(octets(found["protected"]))
    assert (header["alg"], header["nonce"], header["url"]) == ("ES256", "n", "https://ca.example/x")
    assert ("kid" in header, "jwk" in header) == (bool(account), not account)
    signature = octets(found["signature"])
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    x, y = (int.from_bytes(octets(key.jwk[name]), "big") for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(der, f"{found['protected']}.{found['payload']}".encode(), ec.ECDSA(hashes.SHA256()))
    assert found["payload"] == "" if payload is None else json.loads(octets(found["payload"])) == payload


def test_a_key_is_kept() -> None:
    key = AccountKey.make()
    assert AccountKey.read(key.pem()).jwk == key.jwk
    other = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for wrong in (b"x", other):
        with pytest.raises(ValueError, match=r"."):
            AccountKey.read(wrong)


def test_no_padding() -> None:
    """RFC 7515 appendix C."""
    assert base64url(bytes((3, 236, 255, 224, 193))) == "A-z_4ME"
