"""How a new control process goes on with the processes that an earlier one left (see `orphan`).

    this process                                  each that was left alone
    look for their sockets, ask `tell`      ->    facts, and what it has open: the memory for the counts,
                                                  the sockets that it accepts from
    decide; go on with that memory
    read the configuration, open what is new
    `adopt`, with all that runs             ->    changes what differs; it has followed

Clients notice nothing of it: no connection is touched, and `max` holds, for what was claimed stays claimed.
Who is of another version, or began with settings that cannot change, is not adopted; then none of the
workers is, and they are replaced, for all must count in one memory.  One that does not answer is as good as
hung: it is killed, as it would have been with a control process.

It blocks, for `PATIENCE` at most: before the start nobody waits for us.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.logger import Logger

from director.errors import DirectorError
from director.model.settings import Configuration
from director.program.fixed import fixed_settings, refuse_what_is_fixed
from director.program.processes.bequest import take
from director.program.processes.counts import size
from director.program.processes.orphan import COUNTS, FACTS, LAYER4, WORKER, orphans, process_of, release
from director.program.processes.sockets import Place, name
from director.program.version import VERSION
from director.registry.books import MappedBooks
from director.registry.cells import Given
from director.registry.io.segment import Segment, attach
from director.store.values import unpacked

PATIENCE = 3.0
"""Seconds in which all must have answered; as long as the heartbeat leaves one that runs."""
LOOK = 0.05
"""Seconds between two looks for one that has not noticed yet that it is alone."""

_log = Logger(namespace="director")


@frozen(eq=False)
class Adoptee:
    """One process that may be adopted.

    Attributes:
        sock: to it, blocking.
        pid: its number.
        facts: what it says of itself.
        left: what it handed over, by name.
    """

    sock: socket.socket
    pid: int
    facts: Mapping[str, Any]
    left: dict[str, int]

    @property
    def column(self) -> int:
        """Its own, of the counts."""
        return int(self.facts["column"])

    def close(self) -> None:
        """Let it wait for somebody else."""
        self.sock.close()
        for descriptor in self.left.values():
            os.close(descriptor)
        self.left.clear()


@define(eq=False)
class Adoption:
    """What an earlier run left, all of which goes on here; mostly nothing.

    Attributes:
        segment: the memory in which they count; None when nothing goes on.
        given: who has which slot of it.
        pids: of all.
    """

    segment: Segment | None = None
    given: tuple[Given, ...] = ()
    pids: frozenset[int] = frozenset()
    _by_column: dict[int, Adoptee] = field(factory=dict, alias="by_column")
    _books: MappedBooks | None = field(default=None, init=False)

    def take(self, column: int) -> Adoptee | None:
        """The process that owns a column, once."""
        return self._by_column.pop(column, None)

    def entrance(self, place: Place, number: int) -> socket.socket | None:
        """The listening socket of the worker of that number, from 0 on."""
        worker = self._by_column.get(number + 1)
        descriptor = worker.left.get(name(place)) if worker is not None else None
        if descriptor is None:
            return None
        found = socket.socket(fileno=os.dup(descriptor))
        found.setblocking(False)
        return found

    def begin(self, books: MappedBooks) -> None:
        """Count where they do; what those claimed who are not adopted is free."""
        self._books = books
        for column in range(books.table.columns) if self.pids else ():
            if column not in self._by_column:
                books.bury(column)

    def over(self, state_dir: Path) -> None:
        """All follow; those that nobody wanted retire."""
        if not self.pids:
            return
        rest, spared = list(self._by_column.values()), self.pids
        self._by_column.clear()
        for one in rest:
            one.close()
            spared -= {one.pid}
        for kind in (WORKER, LAYER4):
            release(orphans(state_dir, kind, spared))
        if self._books is not None:
            self._books.settle()


def adoption(configuration: Configuration, workers: int) -> Adoption:
    """What of an earlier run can go on here.

    Raises DirectorError when the memory cannot be mapped.
    """
    settings = configuration.settings
    if not workers or not settings.state_dir:
        return Adoption()
    found = _answers(Path(settings.state_dir))
    family = _largest(found)
    if not family:
        return Adoption()
    segment = attach(os.dup(family[0].left[COUNTS]))
    try:
        kept = _complete(segment, family, configuration, workers)
    except DirectorError as error:
        _log.warn("processes of an earlier run are replaced, not adopted: {why}", why=str(error))
        kept = []
    for one in found:
        if one not in kept:
            one.close()
    if not kept:
        segment.close()
        return Adoption()
    for one in kept:
        os.close(one.left.pop(COUNTS))
    given = tuple({Given(*one)[:2]: Given(*one) for each in kept for one in each.facts["given"]}.values())
    names = ", ".join(str(one.pid) for one in kept)
    _log.info("processes of an earlier run go on here: {names}", names=names)
    return Adoption(segment, given, frozenset(one.pid for one in kept), {one.column: one for one in kept})


def _answers(state_dir: Path, known: frozenset[int] = frozenset()) -> list[Adoptee]:
    """All who answer, but those that are known already."""
    found = []
    deadline = time.monotonic() + PATIENCE
    asked = [one for kind in (WORKER, LAYER4) for one in orphans(state_dir, kind, known)]
    for sock in asked:
        try:
            sock.sendall(b"tell\n")
        except OSError:
            sock.close()
    for sock in asked:
        left: dict[str, int] = {}
        try:
            sock.settimeout(max(LOOK, deadline - time.monotonic()))
            left = take(sock)
            with os.fdopen(left.pop(FACTS), "rb") as file:
                found.append(Adoptee(sock, process_of(sock), json.load(file), left))
        except (OSError, ValueError, KeyError, DirectorError):
            # It says nothing, or not what this version understands.
            sock.close()
            for descriptor in left.values():
                os.close(descriptor)
    return found


def _largest(found: Sequence[Adoptee]) -> list[Adoptee]:
    """Those who count in one memory; of several such families the largest."""
    families: dict[tuple[int, int], list[Adoptee]] = {}
    for one in found:
        status = os.fstat(one.left[COUNTS])
        families.setdefault((status.st_dev, status.st_ino), []).append(one)
    return max(families.values(), key=len, default=[])


def _unfit(told: Mapping[str, Any], configuration: Configuration) -> str:
    if told["version"] != VERSION:
        return f"they are of version {told['version']}, this one is {VERSION}"
    if told["fixed"] != fixed_settings(configuration.settings):
        return "they began with another name, log, trace or access_log in [director]"
    if not (configuration.l4 if told["kind"] == LAYER4 else configuration.l7):
        return "there is no service for them any more"
    if told["kind"] == LAYER4:
        try:
            refuse_what_is_fixed(unpacked(told["l4"]), configuration)
        except DirectorError as error:
            return str(error)
    return ""


def _complete(
    segment: Segment, family: list[Adoptee], configuration: Configuration, workers: int
) -> list[Adoptee]:
    """Those who are adopted, with those that answer later; who does not is killed: its column is needed.

    A layer 4 that cannot be adopted does not keep the others from it.  Raises DirectorError when a worker
    cannot be.
    """
    if segment.geometry != size(workers):
        raise DirectorError(f"they are not {workers} worker(s)")
    deadline = time.monotonic() + PATIENCE
    known, kept = frozenset[int](), list[Adoptee]()
    while True:
        kept += [one for one in family if _fit(one, configuration)]
        known |= {one.pid for one in family}
        missing = set(segment.occupants().values()) - known
        if not missing:
            return kept
        if time.monotonic() > deadline:
            break
        time.sleep(LOOK)
        late = _answers(Path(configuration.settings.state_dir), known)
        family = [one for one in late if one.pid in missing]
    for pid in missing:
        _log.error("process {pid} of an earlier run does not answer and is killed", pid=pid)
        if not _killed(segment, pid):
            raise DirectorError(f"process {pid} of them does not end")
    return kept


def _fit(one: Adoptee, configuration: Configuration) -> bool:
    why = _unfit(one.facts, configuration)
    if why and one.facts["kind"] == WORKER:
        raise DirectorError(why)
    if why:
        _log.warn("layer 4 of an earlier run is replaced, not adopted: {why}", why=why)
    return not why


def _killed(segment: Segment, pid: int) -> bool:
    """Killed and gone; nobody else is, should the number have another owner by now."""
    try:
        process = os.pidfd_open(pid)
        try:
            if pid in segment.occupants().values():
                signal.pidfd_send_signal(process, signal.SIGKILL)
            return bool(select.select([process], [], [], PATIENCE)[0])
        finally:
            os.close(process)
    except ProcessLookupError:
        return True
    except OSError:
        return False
