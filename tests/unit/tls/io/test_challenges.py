from __future__ import annotations

import datetime as dt
from pathlib import Path

from director.tls.acme.proof import alpn_pair
from director.tls.io.challenges import LARGEST_NUMBER, Challenges


def test_proofs_come_and_go(tmp_path: Path) -> None:
    found = Challenges()
    texts, contexts = found.texts, found.contexts
    (tmp_path / "tok_en-1.http").write_text("tok_en-1.print")
    (tmp_path / "a.example.alpn").write_bytes(alpn_pair("a.example", "x.y", dt.datetime.now(dt.UTC)))
    (tmp_path / "b.example.alpn").write_bytes(b"no certificate")
    (tmp_path / ".c.example.alpn.0123").write_bytes(b"half")
    found.look(frozenset({tmp_path, tmp_path / "none"}))
    assert texts == {"/.well-known/acme-challenge/tok_en-1": "tok_en-1.print"}
    assert list(contexts) == ["a.example"]
    for path in tmp_path.iterdir():
        path.unlink()
    found.look(frozenset({tmp_path}))
    assert (texts, contexts) == ({}, {})


def test_they_are_bounded(tmp_path: Path) -> None:
    for number in range(LARGEST_NUMBER + 10):
        (tmp_path / f"{number}.http").write_text("x")
    found = Challenges()
    found.look(frozenset({tmp_path}))
    assert len(found.texts) == LARGEST_NUMBER
