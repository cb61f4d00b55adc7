"""The certificates of the program as a part.

Read beside what serves, served at once, followed as files change.

Composition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from twisted.logger import Logger

from director.config.loaded import Loaded as Read
from director.config.text.messages import WARNING, Problem
from director.model.settings import Configuration
from director.program.candidate import Candidate
from director.program.parts import Chore, Part
from director.tls.io.certificates import days_left, end
from director.tls.io.challenges import FOLDER, Challenges
from director.tls.io.store import WARN_DAYS, CertificateStore, LoadedCertificate, load

EVERY = 2.0
"""Seconds between two looks at the files."""

_log = Logger(namespace="director.tls")


def problems(loaded: Read, configuration: Configuration, now: float) -> list[Problem]:
    """What is wrong with the files of certificates now; `now` is Unix time in seconds.

    Warnings, because a start does not fail for them: the services that need such a certificate stay closed.
    """
    found = []
    for one in configuration.certificates:  # those of ACME have no line of their own
        files = load(one)
        key = "folder" if one.folder else "file"
        if files.problems and files.pairs and one.ocsp:
            key = "ocsp"
        texts = [(problem, _BARE if key == "ocsp" else _CLOSED) for problem in files.problems]
        for pair in files.pairs:
            left = days_left(pair, now)
            if left < WARN_DAYS:
                text = f"the certificate in {pair.path} ends on {end(pair)}, in {left:.1f} days"
                texts.append((text, _RENEW))
        found += [loaded.problem_at(f"cert:{one.name}", key, text, hint, WARNING) for text, hint in texts]
    return found


_CLOSED = "services that need it stay closed until its files are good"
_BARE = "the certificate is served without a stapled response until this one is good"
_RENEW = "put a new one in its place; it is taken up while the director runs"


class Certificates(Part):
    """The store of certificates.

    Args:
        says: what is wrong with files goes into the log; of several processes one says it.

    Attributes:
        changed: called when pairs are new.
        challenges: what shows authorities that names are ours.
    """

    def __init__(self, *, says: bool = True) -> None:
        self._says = says
        self.changed: Callable[[], None] = lambda: None
        self.store = CertificateStore(lambda _names: self.changed())
        self.challenges = Challenges()
        self._prepared: list[LoadedCertificate] = []
        self._proofs: frozenset[Path] = frozenset()

    def prepare(self, candidate: Candidate) -> None:
        """Read all files; what cannot be read keeps no configuration from being taken."""
        self._prepared = [load(one) for one in candidate.desired.served_certificates]

    def commit(self, candidate: Candidate) -> None:
        """Serve what was read."""
        self.store.commit(self._prepared)
        wanted = (one.certificate for one in self._prepared if one.certificate.acme)
        self._proofs = frozenset(Path(one.file).parent / FOLDER for one in wanted)
        self._prepared = []
        if self._says:
            for name, problems in self.store.problems.items():
                for problem in problems:
                    _log.error("certificate {name}: {problem}", name=name, problem=problem)

    def abandon(self) -> None:
        """Forget what was read."""
        self._prepared = []

    def chores(self) -> Iterable[Chore]:
        """Look at the files."""
        return [(self._look, EVERY)]

    def _look(self) -> None:
        self.challenges.look(self._proofs)
        found = self.store.look(time.time())
        for news in found if self._says else ():
            say = _log.error if news.bad else _log.info
            say("certificate {name}: {text}", name=news.certificate, text=news.text)
