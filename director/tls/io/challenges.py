"""What shows authorities that names are ours, as files that every serving process looks at.

One process asks for certificates; all of them answer.  So a proof is a file in `challenges`: `TOKEN.http`
holds what is answered under `/.well-known/acme-challenge/TOKEN`, `NAME.alpn` certificate and key for who
greets with `acme-tls/1` and that name.  They are few, small, and gone when the order is over.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from OpenSSL import SSL

from director.tls.acme.proof import PATH
from director.tls.io.certificates import CertificateError, make_pair
from director.tls.io.contexts import challenge_context

FOLDER = "challenges"
HTTP, ALPN = ".http", ".alpn"
LARGEST_NUMBER = 256
"""Proofs that are looked at."""
LARGEST_FILE = 16384


class Challenges:
    """The proofs that are visible now.

    Attributes:
        texts: by path of a request. contexts: by name of a server.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.contexts: dict[str, SSL.Context] = {}
        self._seen: frozenset[str] = frozenset()

    def look(self, folders: frozenset[Path]) -> None:
        """Take up what is there; both mappings stay the objects they are."""
        found = sorted(path for folder in folders for path in folder.glob("*.*"))[:LARGEST_NUMBER]
        seen = frozenset(str(path) for path in found)
        if seen == self._seen:
            return
        self._seen = seen
        self.texts.clear()
        self.contexts.clear()
        for path in found:
            # One that goes while it is read is over, and one that is none proves nothing.
            with contextlib.suppress(OSError, CertificateError, UnicodeDecodeError):
                self._take(path)

    def _take(self, path: Path) -> None:
        with path.open("rb") as file:
            octets = file.read(LARGEST_FILE)
        if path.suffix == HTTP:
            self.texts[PATH + path.stem] = octets.decode("ascii")
        elif path.suffix == ALPN:
            pair = make_pair("acme", octets, octets, str(path), str(path))
            self.contexts[path.stem] = challenge_context(pair)
