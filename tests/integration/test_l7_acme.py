"""Certificates that the director gets by itself, from an authority that looks for itself."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.integration.conftest import StartDirector
from tests.integration.test_l7_tls import asked
from tests.integration.texts import BASE, pool
from tests.support import needs
from tests.support.authority import Serving, look_by_alpn, look_by_http
from tests.support.origin import Origin
from tests.support.running import free_port, wait_until

pytestmark = [pytest.mark.integration, needs.director]


def test_a_name_is_all_that_is_written(start: StartDirector, origin: Origin, tmp_path: Path) -> None:
    """One name is shown by HTTP, the other inside TLS; then both are served by the certificate."""
    clear, secure = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())

    def prove(kind: str, name: str, token: str, authorization: str) -> bool:
        if kind == "http-01":
            return look_by_http(clear, name, token, authorization)
        return look_by_alpn(secure, name, authorization)

    with Serving(prove) as serving:
        authority = serving.authority
        authority.offers = {"shop.example": ("http-01",), "www.shop.example": ("tls-alpn-01",)}
        director = start(
            BASE
            + pool("web", {"s": origin.address})
            + f"[acme]\ndirectory = {serving.directory}\ncontact = ops@shop.example\n"
            "[l7:www]\npool = web\ntls = acme shop.example www.shop.example\n"
            f"listen = 127.0.0.1:{{listen}}, 127.0.0.1:{clear[1]}, 127.0.0.1:{secure[1]} tls\n"
            "[rule:1 to https]\nservice = www\nwhen = path ^= /.well-known/\n"
            "redirect = 302 https://shop.example$${{uri}}\n"
        )
        root = authority.root.public_bytes(Encoding.PEM).decode("ascii")
        trusting = ssl.create_default_context(cadata=root)

        def served() -> bool:
            try:
                return asked(secure, trusting).startswith(b"HTTP/1.1 200")
            except ssl.SSLCertVerificationError:
                return False

        assert wait_until(served, 60, 0.5), director.log
        assert sorted(authority.proved) == [("http-01", "shop.example"), ("tls-alpn-01", "www.shop.example")]
        assert authority.contacts == [["mailto:ops@shop.example"]]
        kept = director.state / "acme"
        assert all(path.stat().st_mode & 0o077 == 0 for path in kept.rglob("*"))
        assert wait_until(lambda: not list((kept / "challenges").iterdir()), 10)
        assert not look_by_http(clear, "shop.example", "token-0_0", "x")
