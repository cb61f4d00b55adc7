"""Certificates that the director gets and renews by itself, as a part of the program.

It runs in one process (the controlling one); what it gets are files, which every serving process watches.
One order is under way at a time; who fails waits, longer each time (`tls.acme.renewal`).

Composition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from random import Random
from typing import Any

from cryptography import x509
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks
from twisted.logger import Logger

from director.errors import DirectorError
from director.model.tls import Acme, Certificate
from director.program.candidate import Candidate
from director.program.certificates import EVERY
from director.program.parts import Chore, Part
from director.tls.acme.order import AcmeError, Show, obtain
from director.tls.acme.proof import ALPN, HTTP, request
from director.tls.acme.renewal import is_due, wait
from director.tls.io.acme_client import AcmeClient, read_authorities
from director.tls.io.acme_files import AcmeFiles

LOOK_SECONDS = 2.0
"""Between two looks at what is due."""
VISIBLE_SECONDS = 2 * EVERY
"""Until every process has seen a proof."""
PATIENCE = 30.0
"""Seconds that a start may take until clients are served; an authority that asks earlier finds nobody."""
KINDS = {"any": (ALPN, HTTP), HTTP: (HTTP,), ALPN: (ALPN,)}

_log = Logger(namespace="director.tls")


class AcmePart(Part):
    """Gets what is missing, renews what is due.

    Args:
        serves: whether all that answers clients is there.
        visible: seconds until every process has seen a proof.

    Attributes:
        under_way: the certificate whose order is under way, "" for none.
    """

    def __init__(
        self,
        reactor: Any,
        state_dir: Path,
        random: Random,
        serves: Callable[[], bool],
        visible: float = VISIBLE_SECONDS,
    ) -> None:
        self._reactor = reactor
        self._files = AcmeFiles(state_dir / "acme")
        self._random = random
        self._visible = visible
        self._serves = serves
        self._waits_until = reactor.seconds() + PATIENCE
        self._settings = Acme()
        self._wanted: tuple[Certificate, ...] = ()
        self._tries: dict[str, tuple[int, float]] = {}
        self._order: Deferred[None] | None = None
        self._begun = self._rests = False
        self.under_way = ""

    def commit(self, candidate: Candidate) -> None:
        """From now on these are wanted."""
        desired = candidate.desired
        self._settings = desired.acme
        self._wanted = tuple(one for one in desired.served_certificates if one.acme)

    def chores(self) -> Iterable[Chore]:
        """Look what is due."""
        return [(self._look, LOOK_SECONDS)]

    def stop(self, grace: float) -> None:
        """An order under way is given up; authorities forget it by themselves."""
        if self._order is not None:
            self._order.cancel()

    def let_go(self) -> None:
        """Another program gets them; an order under way begins anew there."""
        self._rests = True
        self.stop(0.0)

    def go_on(self) -> None:
        """Get them here."""
        self._rests = False

    def _look(self) -> None:
        if not self._wanted or self.under_way or self._rests:
            return
        if self._waits_until:
            if not self._serves() and self._reactor.seconds() < self._waits_until:
                return
            self._waits_until = 0.0
        now = time.time()
        try:
            if not self._begun:
                self._files.make()
                self._tries = self._files.tries()
                self._begun = True
        except OSError as error:
            _log.error(
                "ACME cannot keep anything in {folder}: {why}", folder=self._files.folder, why=error.strerror
            )
            return
        for one in self._wanted:
            if self._tries.get(one.name, (0, 0.0))[1] <= now and _due(one, now):
                self.under_way = one.name
                self._order = self._get(one)
                return

    @inlineCallbacks
    def _get(self, wanted: Certificate) -> Generator[Deferred[Any], Any, None]:
        """One order, from its begin to its end; never fails."""
        settings = self._settings
        _log.info("certificate {name}: asking {authority}", name=wanted.name, authority=settings.directory)
        try:
            key, asked = request(wanted.acme)
            client = AcmeClient(self._reactor, read_authorities(settings.ca))
            steps = obtain(
                settings.directory,
                self._files.account(settings.directory),
                wanted.acme,
                asked,
                contact=settings.contact,
                kinds=self._kinds(wanted),
                visible=self._visible,
            )
            chain = yield client.perform(steps, self._show)
            self._files.keep(Path(wanted.file), chain, key)
            self._tries.pop(wanted.name, None)
            _log.info("certificate {name}: a new one is here", name=wanted.name)
        except CancelledError:
            return
        except (DirectorError, OSError, ValueError) as error:
            self._failed(wanted, error)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not end all renewals
            _log.failure("an order failed; please report this")
            self._failed(wanted, error)
        finally:
            self._end()

    def _end(self) -> None:
        self.under_way = ""
        self._order = None
        try:
            self._files.clear()
            self._files.keep_tries(self._tries)
        except OSError as error:
            _log.error("ACME cannot keep its state: {why}", why=error.strerror)

    def _kinds(self, wanted: Certificate) -> tuple[str, ...]:
        """What may be shown; where both may, each failure lets the other have its turn."""
        kinds = KINDS[self._settings.challenge]
        failures = self._tries.get(wanted.name, (0, 0.0))[0]
        return kinds if failures % 2 == 0 else kinds[::-1]

    def _show(self, step: Show) -> None:
        self._files.show(step, time.time())

    def _failed(self, wanted: Certificate, error: Exception) -> None:
        failures = self._tries.get(wanted.name, (0, 0.0))[0] + 1
        asked = error.wait if isinstance(error, AcmeError) else 0.0
        seconds = wait(failures, self._random.random(), asked)
        self._tries[wanted.name] = failures, time.time() + seconds
        _log.error(
            "certificate {name}: {why}; try {count} failed, the next is in {minutes:.0f} min",
            name=wanted.name,
            why=str(error),
            count=failures,
            minutes=seconds / 60,
        )


def _due(wanted: Certificate, now: float) -> bool:
    """It is missing, for other names, or near its end."""
    try:
        found = x509.load_pem_x509_certificate(Path(wanted.file).read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return True
    if set(names.get_values_for_type(x509.DNSName)) != set(wanted.acme):
        return True
    return is_due(found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp(), now)
