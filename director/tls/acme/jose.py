"""Signed requests of ACME: flattened JWS with an ECDSA key (RFC 7515, 7517, 7518, 7638; RFC 8555 6.2).

One algorithm (ES256, which every authority takes) and one form; the elliptic curve's work is done by the
library cryptography.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

SIZE = 32
"""Octets of a number of P-256 (RFC 7518 6.2.1.2)."""


def base64url(octets: bytes) -> str:
    """Without the padding (RFC 7515 2)."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


class AccountKey:
    """The key of an account.

    Attributes:
        jwk: its public half (RFC 7517).
    """

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        numbers = private.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(SIZE, "big")) for number in (numbers.x, numbers.y))
        self.jwk = {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    @classmethod
    def make(cls) -> AccountKey:
        """A new one."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, pem: bytes) -> AccountKey:
        """One that was kept.  Raises ValueError when it is none of P-256."""
        found = serialization.load_pem_private_key(pem, None)
        if not isinstance(found, ec.EllipticCurvePrivateKey) or found.curve.name != "secp256r1":
            raise ValueError("not a key of P-256")
        return cls(found)

    def pem(self) -> bytes:
        """To be kept; nobody else may read it."""
        form = serialization.PrivateFormat.PKCS8
        return self._private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())

    @property
    def thumbprint(self) -> str:
        """RFC 7638: of the members in this order, without white space."""
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return base64url(hashlib.sha256(text.encode("ascii")).digest())

    def signed(self, url: str, nonce: str, payload: Any, account: str = "") -> bytes:
        """The body of a request to `url`; `payload` None asks for a resource (RFC 8555 6.3).

        `account` is its URL, once it is known (6.2: the key itself before).
        """
        header: dict[str, Any] = {"alg": "ES256", "nonce": nonce, "url": url}
        header |= {"kid": account} if account else {"jwk": self.jwk}
        protected = base64url(json.dumps(header).encode("utf-8"))
        content = "" if payload is None else base64url(json.dumps(payload).encode("utf-8"))
        r, s = decode_dss_signature(
            self._private.sign(f"{protected}.{content}".encode("ascii"), ec.ECDSA(hashes.SHA256()))
        )
        signature = base64url(r.to_bytes(SIZE, "big") + s.to_bytes(SIZE, "big"))
        return json.dumps({"protected": protected, "payload": content, "signature": signature}).encode(
            "ascii"
        )
