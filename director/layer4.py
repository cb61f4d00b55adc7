"""Layer 4 inside the running director (composition).

`Layer4` starts the packet shell with the first `[l4:…]` service, follows every change of the
registry, and says what keeps it from working.  Layer 7 runs on whatever happens here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger

from director.admin.control import Listener
from director.errors import ChangeRefused
from director.l4 import settings
from director.l4.forwarder import Forwarder
from director.l4.io.director import L4Director
from director.l4.io.kernel import KernelView
from director.l4.io.plan import Endpoint
from director.l4.wire.transport import TCP
from director.model import Configuration, L4Service, L4Settings
from director.registry import Registry

_log = Logger(namespace="director.l4")


class Layer4:
    """The packet shell when there is something for it to do, and its state for people.

    Attributes:
        shell: the running packet shell, None while no layer-4 service is configured.
        forwarder: the pure room behind it, once it runs.
    """

    def __init__(
        self,
        registry: Registry,
        reactor: Any,
        name: str,
        state_dir: Path,
        random: Random,
        shell: Callable[..., L4Director] = L4Director,
    ) -> None:
        """`shell` makes the packet shell; a test gives one without sockets."""
        self._shell = shell
        self.shell: L4Director | None = None
        self.forwarder: Forwarder | None = None
        self._registry = registry
        self._reactor = reactor
        self._name = name
        self._state_dir = state_dir
        self._random = random
        self._settings = L4Settings()

    def check(self, configuration: Configuration) -> None:
        """Raises DirectorError when the configuration cannot be followed."""
        wanted = configuration.l4_settings or L4Settings()
        settings.read(wanted)
        if self.shell is not None and configuration.l4 and wanted != self._settings:
            raise ChangeRefused("EINVAL", "[l4] is read when layer 4 starts; restart to change it")

    def follow(self, configuration: Configuration) -> None:
        """Serve what the configuration names, from the next packet on."""
        if self.shell is None:
            if not configuration.l4:
                return
            self.shell = self._make(configuration.l4_settings or L4Settings())
            self.shell.startService()
        pools = {pool.name: pool for pool in configuration.pools}
        self.shell.reload(configuration.l4, pools, tuple(_own_listeners(configuration)))

    def stop(self) -> Deferred[None]:
        """Give back to the host what was taken from it."""
        return succeed(None) if self.shell is None else maybeDeferred(self.shell.stopService)

    def reasons(self) -> Iterator[str]:
        """What keeps layer 4 from working, one sentence each; nothing when it is not asked for."""
        if self.shell is None or not self._registry.configuration.l4:
            return
        if self.shell.lacking is not None:
            yield str(self.shell.lacking)
        yield from self.shell.troubles.values()

    def listeners(self) -> Iterator[Listener]:
        """Every virtual service, and why it is not served."""
        error = "; ".join(self.reasons())
        for service in self._registry.configuration.l4:
            yield Listener(f"l4:{service.name}", _shown(service), bound=not error, error=error)

    def _make(self, wanted: L4Settings) -> L4Director:
        self._settings = wanted
        return self._shell(
            self._reactor,
            self._reactor.seconds,
            self._name,
            state_dir=self._state_dir,
            settings=wanted,
            forwarder=self._make_forwarder,
            tell=lambda event: _log.info("{event}", event=event),
        )

    def _make_forwarder(self, view: KernelView) -> Forwarder:
        read = settings.read(self._settings)
        self.forwarder = Forwarder(self._registry, view, self._random, read)
        return self.forwarder


def _own_listeners(configuration: Configuration) -> Iterator[Endpoint]:
    """Layer 7's own listeners: a virtual address keeps them."""
    for service in configuration.l7:
        for address in service.listen:
            try:
                host = ipaddress.ip_address(address.host)
            except ValueError:
                continue
            yield Endpoint(TCP, host, address.port, address.port)


def _shown(service: L4Service) -> str:
    virtual = service.virtual
    if virtual.fwmark:
        return f"fwmark {virtual.fwmark}{' inet6' if virtual.family == 6 else ''}"
    host = f"[{virtual.host}]" if ":" in virtual.host else virtual.host
    return f"{virtual.protocol} {host}:{virtual.port}"
