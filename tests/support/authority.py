"""A small authority of ACME (RFC 8555), written from the RFC: it believes nothing that it did not verify.

`Authority` answers requests as values; `Serving(authority)` does so over HTTP on loopback.  Signatures are
verified with the library cryptography, nonces are used once, and names are looked at as an authority does:
by HTTP under `/.well-known/acme-challenge/`, or by a handshake with `acme-tls/1` (RFC 8737).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import http.client
import json
import socket
import ssl
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

Answer = tuple[int, dict[str, str], bytes]
ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31"


def octets(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Refused(Exception):  # noqa: N818 - it is what happened
    def __init__(self, kind: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.kind, self.status = kind, status


class Authority:
    """Accounts, orders and what was proved.

    Attributes:
        base: the URL before every path.
        prove: (kind, name, token, authorization) -> whether the name was shown to be the client's.
        offers: challenges by name; both for others.
        bad_nonces: so many requests are told that their nonce is bad, whatever it is.
    """

    def __init__(self, prove: Callable[[str, str, str, str], bool], base: str = "https://ca.example") -> None:
        self.base = base
        self.prove = prove
        self.offers: dict[str, tuple[str, ...]] = {}
        self.bad_nonces = 0
        self.nonces: set[str] = set()
        self.accounts: dict[str, dict[str, str]] = {}
        self.contacts: list[Any] = []
        self.orders: list[dict[str, Any]] = []
        self.authorizations: list[dict[str, Any]] = []
        self.chains: list[bytes] = []
        self.proved: list[tuple[str, str]] = []
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
        self.root = self._certificate(
            self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=0)
        )

    def _certificate(
        self, subject: x509.Name, public: Any, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=90))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self.key, hashes.SHA256())
        )

    # -- requests --

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """One request; `path` behind `base`."""
        nonce = f"nonce{len(self.nonces)}-{len(self.orders)}-{len(self.proved)}"
        while nonce in self.nonces:
            nonce += "x"
        self.nonces.add(nonce)
        headers = {"Replay-Nonce": nonce, "Content-Type": "application/json"}
        try:
            if path == "/directory":
                return 200, headers, self._directory()
            if path == "/nonce":
                return 204, headers, b""
            assert method == "POST", "RFC 8555 6.2: all others are signed"
            account, payload = self._verified(path, json.loads(body))
            return self._do(path, account, payload, headers)
        except Refused as error:
            problem = {"type": f"urn:ietf:params:acme:error:{error.kind}", "detail": str(error)}
            return error.status, headers, json.dumps(problem).encode()

    def _directory(self) -> bytes:
        return json.dumps({
            "newNonce": f"{self.base}/nonce",
            "newAccount": f"{self.base}/account",
            "newOrder": f"{self.base}/order",
        }).encode()  # fmt: skip

    def _verified(self, path: str, found: dict[str, str]) -> tuple[str, Any]:
        """RFC 8555 6.2 to 6.5: who signed, and what."""
        header = json.loads(octets(found["protected"]))
        assert set(found) == {"protected", "payload", "signature"}
        assert (header["alg"], header["url"]) == ("ES256", self.base + path)
        assert ("jwk" in header) != ("kid" in header)
        if self.bad_nonces or header["nonce"] not in self.nonces:
            self.bad_nonces = max(0, self.bad_nonces - 1)
            raise Refused("badNonce", "used, or never given")
        self.nonces.discard(header["nonce"])
        jwk = header.get("jwk") or self.accounts.get(header["kid"])
        if jwk is None:
            raise Refused("accountDoesNotExist", header["kid"])
        x, y = (int.from_bytes(octets(jwk[name]), "big") for name in ("x", "y"))
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        signature = octets(found["signature"])
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            signed = f"{found['protected']}.{found['payload']}".encode()
            public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise Refused("malformed", "the signature is wrong") from error
        text = octets(found["payload"])
        account = header.get("kid", "")
        if path == "/account":
            account = (
                f"{self.base}/account/{hashlib.sha256(json.dumps(jwk, sort_keys=True).encode()).hexdigest()}"
            )
            self.accounts[account] = jwk
        return account, json.loads(text) if text else None

    def _do(self, path: str, account: str, payload: Any, headers: dict[str, str]) -> Answer:
        _, kind, *rest = path.split("/")
        number = int(rest[0]) if rest else -1
        if kind == "account":
            assert payload["termsOfServiceAgreed"] is True
            self.contacts.append(payload.get("contact"))
            return 201, headers | {"Location": account}, b"{}"
        if kind == "order" and not rest:
            return 201, *self._ordered(payload, headers)
        if kind == "order":
            return 200, headers, self._shown(self.orders[number])
        if kind == "authz":
            return 200, headers, json.dumps(self.authorizations[number]).encode()
        if kind == "challenge":
            return 200, headers, self._challenged(number, int(rest[1]), account)
        if kind == "finalize":
            return 200, headers, self._finalized(self.orders[number], payload)
        return 200, headers | {"Content-Type": "application/pem-certificate-chain"}, self.chains[number]

    def _ordered(self, payload: Any, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
        urls = []
        for one in payload["identifiers"]:
            if one["value"].startswith("no."):
                raise Refused("rejectedIdentifier", f"not {one['value']}", 403)
            number = len(self.authorizations)
            kinds = self.offers.get(one["value"], ("http-01", "tls-alpn-01"))
            challenges = [
                {
                    "type": kind,
                    "url": f"{self.base}/challenge/{number}/{at}",
                    "token": f"token-{number}_{at}",
                    "status": "pending",
                }
                for at, kind in enumerate(kinds)
            ]
            self.authorizations.append({"identifier": one, "status": "pending", "challenges": challenges})
            urls.append(f"{self.base}/authz/{number}")
        number = len(self.orders)
        self.orders.append(
            {
                "authorizations": urls,
                "finalize": f"{self.base}/finalize/{number}",
                "names": [one["value"] for one in payload["identifiers"]],
            }
        )
        return headers | {"Location": f"{self.base}/order/{number}"}, self._shown(self.orders[number])

    def _shown(self, order: dict[str, Any]) -> bytes:
        found = {
            self.authorizations[int(url.rpartition("/")[2])]["status"] for url in order["authorizations"]
        }
        status = "invalid" if "invalid" in found else "pending" if "pending" in found else "ready"
        return json.dumps({"status": "valid" if "certificate" in order else status, **order}).encode()

    def _challenged(self, number: int, at: int, account: str) -> bytes:
        found = self.authorizations[number]
        challenge = found["challenges"][at]
        text = json.dumps(self.accounts[account], sort_keys=True, separators=(",", ":"))
        thumbprint = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        token, name = challenge["token"], found["identifier"]["value"]
        if self.prove(challenge["type"], name, token, f"{token}.{thumbprint}"):
            self.proved.append((challenge["type"], name))
            found["status"] = challenge["status"] = "valid"
        else:
            found["status"] = challenge["status"] = "invalid"
            challenge["error"] = {"type": "urn:ietf:params:acme:error:unauthorized", "detail": "not shown"}
        return json.dumps(challenge).encode()

    def _finalized(self, order: dict[str, Any], payload: Any) -> bytes:
        asked = x509.load_der_x509_csr(octets(payload["csr"]))
        assert asked.is_signature_valid
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert sorted(names.get_values_for_type(x509.DNSName)) == sorted(order["names"])
        leaf = self._certificate(x509.Name([]), asked.public_key(), names)
        pem = serialization.Encoding.PEM
        order["certificate"] = f"{self.base}/certificate/{len(self.chains)}"
        self.chains.append(leaf.public_bytes(pem) + self.root.public_bytes(pem))
        return self._shown(order)


def look_by_http(place: tuple[str, int], name: str, token: str, authorization: str) -> bool:
    """RFC 8555 8.3."""
    asked = http.client.HTTPConnection(*place, timeout=10)
    asked.request("GET", f"/.well-known/acme-challenge/{token}", headers={"Host": name})
    with asked.getresponse() as answer:
        found = answer.status == 200 and answer.read().decode() == authorization
    asked.close()
    return found


def look_by_alpn(place: tuple[str, int], name: str, authorization: str) -> bool:
    """RFC 8737 3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["acme-tls/1"])
    with (
        socket.create_connection(place, 10) as plain,
        context.wrap_socket(plain, server_hostname=name) as inside,
    ):
        if inside.selected_alpn_protocol() != "acme-tls/1":
            return False
        shown = x509.load_der_x509_certificate(inside.getpeercert(binary_form=True) or b"")
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (found,) = [one for one in shown.extensions if one.oid.dotted_string == ACME_IDENTIFIER]
    digest = hashlib.sha256(authorization.encode()).digest()
    assert isinstance(found.value, x509.UnrecognizedExtension)
    return (
        list(names.get_values_for_type(x509.DNSName)) == [name]
        and found.critical
        and found.value.value == b"\x04\x20" + digest
    )


class Serving:
    """An authority over HTTP on loopback; `directory` is where it begins."""

    def __init__(self, prove: Callable[[str, str, str, str], bool]) -> None:
        self.authority = authority = Authority(prove)

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/jose+json"
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, body: bytes) -> None:
                assert self.headers["User-Agent"], "RFC 8555 6.1"
                status, headers, text = authority.answer(self.command, self.path, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        authority.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.directory = f"{authority.base}/directory"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
