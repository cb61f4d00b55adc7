"""The certificates of the program as a part.

Read beside what serves, served at once, followed as files change.

Composition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from twisted.logger import Logger

from director.program.candidate import Candidate
from director.program.parts import Chore, Part
from director.tls.io.store import CertificateStore, Loaded, load

EVERY = 2.0
"""Seconds between two looks at the files."""

_log = Logger(namespace="director.tls")


class Certificates(Part):
    """The store of certificates.

    Attributes:
        changed: called when pairs are new.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], None] = lambda: None
        self.store = CertificateStore(lambda _names: self.changed())
        self._prepared: list[Loaded] = []

    def prepare(self, candidate: Candidate) -> None:
        """Read all files; what cannot be read keeps no configuration from being taken."""
        self._prepared = [load(one) for one in candidate.desired.certificates]

    def commit(self, candidate: Candidate) -> None:
        """Serve what was read."""
        self.store.commit(self._prepared)
        for name, problems in self.store.problems.items():
            for problem in problems:
                _log.error("certificate {name}: {problem}", name=name, problem=problem)
        self._prepared = []

    def abandon(self) -> None:
        """Forget what was read."""
        self._prepared = []

    def chores(self) -> Iterable[Chore]:
        """Look at the files."""
        return [(self._look, EVERY)]

    def _look(self) -> None:
        for news in self.store.look(time.time()):
            say = _log.error if news.bad else _log.info
            say("certificate {name}: {text}", name=news.certificate, text=news.text)
