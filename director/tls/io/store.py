"""The certificates of a configuration, kept as their files are.

`prepare` reads and verifies all of them for a configuration that is to come, `commit` serves them.  Between
two configurations `look` finds files that changed: a good pair takes the place of the old one, a bad one is
told once and the old one stays, so whatever keeps certificates fresh (certbot, step, cert-manager) need
tell nobody.

A pair that cannot be read, or has ended, is no reason to refuse a configuration as a whole: the services that
need it do not open, the others do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve, frozen

from director.model.tls import Certificate
from director.tls.acme.proof import placeholder
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

WARN_DAYS = 14.0
"""Days before its end from which a certificate is an event, once a day."""

Stamp = tuple[tuple[str, int, int, int], ...]
"""Path, inode, size and time of change of every file of a certificate."""


@frozen
class LoadedCertificate:
    """What came of one `[cert:NAME]`: its pairs, and what is wrong with its files.

    `stands_in`: the pairs are none that a client believes, until there is a certificate.
    """

    certificate: Certificate
    stamp: Stamp
    pairs: tuple[Pair, ...]
    problems: tuple[str, ...] = ()
    stands_in: bool = False


@frozen
class News:
    """Something an operator should know: `bad` when it has to be mended."""

    certificate: str
    text: str
    bad: bool = False


def load(certificate: Certificate) -> LoadedCertificate:
    """Read a certificate's files now; never raises."""
    stamp = stamp_of(certificate)
    if certificate.acme and not Path(certificate.file).exists():
        return LoadedCertificate(certificate, stamp, (_placeholder(certificate),), stands_in=True)
    if not certificate.folder:
        try:
            pair = _lasting(read_pair(certificate.name, certificate.file, certificate.key))
        except CertificateError as error:
            return LoadedCertificate(certificate, stamp, (), (str(error),))
        try:
            pair = stapled(pair, certificate.ocsp, time.time()) if certificate.ocsp else pair
        except CertificateError as error:
            # No reason not to serve: clients that want to know ask by themselves.
            return LoadedCertificate(certificate, stamp, (pair,), (str(error),))
        return LoadedCertificate(certificate, stamp, (pair,))
    pairs: list[Pair] = []
    problems: list[str] = []
    for found in read_folder(certificate.name, certificate.folder):
        try:
            pairs.append(_lasting(found))
        except CertificateError as error:
            problems.append(str(error))
    if not pairs and not problems:
        problems.append(f"{certificate.folder} has no *.pem; put a chain with its key there")
    return LoadedCertificate(certificate, stamp, tuple(pairs), tuple(problems))


def _lasting(found: Pair | CertificateError) -> Pair:
    """A pair that was read and has not ended.  Raises CertificateError.

    No client believes one that has: whoever reads it at a start is told, as of one that cannot be read.  One
    that ends while it is served is served on.
    """
    if isinstance(found, CertificateError):
        raise found
    if found.until <= time.time():
        raise CertificateError(f"{found.path} has ended on {end(found)}; put a new one in its place")
    return found


def _kept(old: LoadedCertificate, found: LoadedCertificate) -> str:
    """What is served now that files are bad."""
    if found.pairs and found.certificate.ocsp:
        return "the old one is stapled for as long as it lasts"
    return "the old one is served on" if old.pairs else "nothing is served"


def _with_old_staple(old: LoadedCertificate, found: LoadedCertificate) -> LoadedCertificate:
    """A bad response leaves the one before in force, if that is about the same certificate."""
    (before,), (pair,) = old.pairs, found.pairs
    if before.chain != pair.chain or not before.staple:
        return found
    return evolve(found, pairs=(evolve(pair, staple=before.staple, staple_until=before.staple_until),))


def _placeholder(certificate: Certificate) -> Pair:
    """What is served until there is a certificate: to show that the name is ours, it must be open."""
    octets = placeholder(certificate.acme, datetime.now(UTC))
    return make_pair(certificate.name, octets, octets, certificate.file, certificate.file)


def stamp_of(certificate: Certificate) -> Stamp:
    """How a certificate's files look from outside; it changes when one of them is written or replaced."""
    if certificate.folder:
        paths = sorted(str(path) for path in Path(certificate.folder).glob("*.pem"))
    else:
        paths = [path for path in (certificate.file, certificate.key, certificate.ocsp) if path]
    found = []
    for path in paths:
        try:
            status = Path(path).stat()
        except OSError:
            found.append((path, 0, 0, 0))
        else:
            found.append((path, status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


class CertificateStore:
    """The certificates that are served now.

    Args:
        changed: called with the names of certificates whose pairs are new.

    Attributes:
        problems: by name, what is wrong with files of certificates that are served from memory (or not at
        all).
    """

    def __init__(self, changed: Callable[[frozenset[str]], None]) -> None:
        self._changed = changed
        self._loaded: dict[str, LoadedCertificate] = {}
        self._seen: dict[str, Stamp] = {}
        self._warned: dict[str, float] = {}
        self.problems: dict[str, tuple[str, ...]] = {}

    def pairs(self, name: str) -> tuple[Pair, ...]:
        """What `[cert:NAME]` serves; empty when nothing of it could be read."""
        found = self._loaded.get(name)
        return found.pairs if found is not None else ()

    def all(self) -> Mapping[str, tuple[Pair, ...]]:
        """Every certificate's pairs."""
        return {name: found.pairs for name, found in self._loaded.items()}

    def ends(self) -> dict[str, float]:
        """When the first of each certificate's pairs ends, in Unix time."""
        return {
            name: min(pair.until for pair in found.pairs)
            for name, found in self._loaded.items()
            if found.pairs and not found.stands_in
        }

    def kept(self) -> list[tuple[Certificate, tuple[Pair, ...]]]:
        """What is served, for a process that begins: its files may be bad by now, or not for it to read."""
        return [
            (found.certificate, found.pairs)
            for found in self._loaded.values()
            if found.pairs and not found.stands_in
        ]

    def believe(self, kept: Iterable[tuple[Certificate, tuple[Pair, ...]]]) -> None:
        """Begin with what another process serves (`kept`), before the first `commit`."""
        for certificate, pairs in kept:
            self._loaded[certificate.name] = LoadedCertificate(certificate, (), pairs)

    def commit(self, loaded: Iterable[LoadedCertificate]) -> None:
        """Serve what was read for a configuration, and nothing else.

        A certificate whose files are bad now but were good before keeps what it had.
        """
        before = self._loaded
        self._loaded, self.problems = {}, {}
        for found in loaded:
            name = found.certificate.name
            old = before.get(name)
            keep = not found.pairs and old is not None and old.certificate == found.certificate
            self._loaded[name] = old if keep and old is not None else found
            self._seen[name] = found.stamp
            if found.problems:
                self.problems[name] = found.problems
        self._seen = {name: self._seen[name] for name in self._loaded}
        self._changed(frozenset(self._loaded))

    def look(self, now: float) -> list[News]:
        """Take up files that changed; what is news.  `now` is Unix time in seconds."""
        news: list[News] = []
        changed = set()
        for name, old in list(self._loaded.items()):
            stamp = stamp_of(old.certificate)
            if stamp == self._seen[name]:
                continue
            self._seen[name] = stamp
            found = load(old.certificate)
            news += self._take(name, old, found)
            if self._loaded[name] is not old:
                changed.add(name)
        if changed:
            self._changed(frozenset(changed))
        news += self._ending(now)
        return news

    def _take(self, name: str, old: LoadedCertificate, found: LoadedCertificate) -> Iterable[News]:
        for problem in found.problems:
            yield News(name, f"{problem}; {_kept(old, found)}", bad=True)
        if found.problems:
            self.problems[name] = found.problems
        else:
            self.problems.pop(name, None)
        if not found.pairs:
            return
        if found.problems and len(found.pairs) == len(old.pairs) == 1 and found.certificate.ocsp:
            found = _with_old_staple(old, found)
        same = [pair.digest for pair in found.pairs] == [pair.digest for pair in old.pairs]
        self._loaded[name] = old if same else found
        if not same:
            until = ", ".join(
                f"{pair.names[0] if pair.names else pair.path} until {end(pair)}" for pair in found.pairs
            )
            yield News(name, f"new files are served: {until}")

    def _staple_ends(self, name: str, pair: Pair, now: float) -> Iterable[News]:
        """A response that nobody has renewed is not shown any more; said once."""
        if pair.staple and pair.staple_until <= now and pair.digest not in self._warned:
            self._warned[pair.digest] = now
            text = "its OCSP response has ended and is not stapled any more; put a new one in its place"
            yield News(name, text, bad=True)

    def _ending(self, now: float) -> Iterable[News]:
        for name, found in self._loaded.items():
            for pair in found.pairs:
                yield from self._staple_ends(name, pair, now)
                left = days_left(pair, now)
                if left < WARN_DAYS and now - self._warned.get(pair.digest, 0.0) >= 86400.0:
                    self._warned[pair.digest] = now
                    when = f"ends on {end(pair)}" if left > 0 else f"has ended on {end(pair)}"
                    yield News(name, f"{pair.path} {when}; put a new one in its place", bad=True)
