from __future__ import annotations

from pathlib import Path

import pytest

from director.errors import DirectorError
from director.tls.acme.order import Show
from director.tls.io.acme_files import AcmeFiles


def test_accounts_are_kept_by_authority_for_their_owner_alone(tmp_path: Path) -> None:
    files = AcmeFiles(tmp_path / "acme")
    files.make()
    first = files.account("https://a.example/dir")
    assert files.account("https://a.example/dir").jwk == first.jwk
    assert files.account("https://b.example/dir").jwk != first.jwk
    found = list((tmp_path / "acme").glob("account-*.pem"))
    assert [path.stat().st_mode & 0o777 for path in found] == [0o600, 0o600]
    found[0].write_text("x")
    found[1].write_text("x")
    with pytest.raises(DirectorError, match="move it away"):
        files.account("https://a.example/dir")


def test_proofs_are_files_and_an_earlier_process_s_go(tmp_path: Path) -> None:
    files = AcmeFiles(tmp_path)
    files.make()
    files.show(Show("http-01", "a.example", "tok", "tok.print"), 0.0)
    files.show(Show("tls-alpn-01", "a.example", "tok", "tok.print"), 1e9)
    assert (files.proofs / "tok.http").read_text() == "tok.print"
    assert b"BEGIN CERTIFICATE" in (files.proofs / "a.example.alpn").read_bytes()
    AcmeFiles(tmp_path).make()
    assert list(files.proofs.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": ["x", 2]}'])
def test_tries_are_kept_and_nonsense_is_none(tmp_path: Path, text: str) -> None:
    files = AcmeFiles(tmp_path)
    assert files.tries() == {}
    files.keep_tries({"acme a": (2, 5.5)})
    assert files.tries() == {"acme a": (2, 5.5)}
    (tmp_path / "tries.json").write_text(text)
    assert files.tries() == {}


def test_a_certificate_is_chain_and_key_in_one(tmp_path: Path) -> None:
    AcmeFiles(tmp_path).keep(tmp_path / "a.pem", b"chain\n\n", b"key\n")
    assert (tmp_path / "a.pem").read_bytes() == b"chain\nkey\n"
