"""Which TLS context a listener or a pool uses, kept as configuration and certificates are.

A listener's base context lives as long as its TLS settings do, so session tickets survive reloads and new
certificates; what changes is put behind it.  Contexts towards servers are made when first needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING

from attrs import evolve
from twisted.logger import Logger

from director.tls.io.certificates import CertificateError, Pair
from director.tls.io.challenges import Challenges
from director.tls.io.contexts import Clients, ServerContexts, client_context

if TYPE_CHECKING:
    from OpenSSL.SSL import Context

    from director.model.http import L7Service
    from director.model.pools import ServerTLS
    from director.model.tls import ListenerTLS

_log = Logger(namespace="director.tls")


Protocols = tuple[bytes, ...]
"""What is spoken inside, by preference (ALPN)."""


def protocols(service: L7Service) -> Protocols:
    """What a service speaks inside TLS; nothing is said where octets are relayed unread."""
    if service.protocol != "http":
        return ()
    return (b"h2", b"http/1.1") if service.h2 and service.switch == "request" else (b"http/1.1",)


class TLSContexts:
    """The contexts of one director.

    Args:
        pairs: the pairs of a `[cert:NAME]` as they are now.
        challenges: what shows authorities that names are ours.

    Attributes:
        lacking: by service, why it cannot speak TLS now.
    """

    def __init__(
        self, pairs: Callable[[str], tuple[Pair, ...]], challenges: Challenges | None = None
    ) -> None:
        self._pairs = pairs
        self.challenges = challenges or Challenges()
        self._wanted: dict[str, tuple[ListenerTLS, Protocols]] = {}
        self._made: dict[str, tuple[ListenerTLS, Protocols, ServerContexts]] = {}
        self._to_servers: dict[tuple[ServerTLS, str, str], Context] = {}
        self.lacking: dict[str, str] = {}

    def apply(self, services: Iterable[L7Service]) -> None:
        """Follow a configuration; never fails, what cannot be is `lacking`."""
        self._wanted = {one.name: (one.tls, protocols(one)) for one in services if one.tls is not None}
        for name in self._made.keys() - self._wanted.keys():
            del self._made[name]
        self._to_servers.clear()
        self.renew()

    def renew(self) -> None:
        """Certificates have changed."""
        before, self.lacking = self.lacking, {}
        for name, (wanted, spoken) in self._wanted.items():
            try:
                self._serve(name, wanted, spoken)
            except CertificateError as error:
                self.lacking[name] = str(error)
                if before.get(name) != str(error):
                    _log.error("service {name} cannot speak TLS: {why}", name=name, why=str(error))
        self._to_servers.clear()

    def _serve(self, name: str, wanted: ListenerTLS, spoken: Protocols) -> None:
        pairs = [pair for one in wanted.certificates for pair in self._pairs(one)]
        if not pairs:
            names = ", ".join(f"[cert:{one}]" for one in wanted.certificates)
            raise CertificateError(f"nothing of {names} can be read; director check says why")
        # Where it listens and what it tells servers is no matter of the handshake.
        same = evolve(wanted, certificates=(), addresses=(), tell=False, hsts=0.0)
        found = self._made.get(name)
        if found is None or found[:2] != (same, spoken):
            clients = Clients(wanted.client, wanted.client_ca, wanted.crl)
            contexts = ServerContexts(wanted.profile, spoken, f"l7:{name}".encode(), clients)
            found = (same, spoken, contexts)
        found[2].serve(pairs)
        self._made[name] = found

    def of_service(self, name: str) -> Context | None:
        """The context for connections to a service's TLS addresses; None while it cannot speak TLS."""
        found = self._made.get(name)
        return found[2].current(monotonic()) if found is not None else None

    def of_servers(self, wanted: ServerTLS, protocol: str = "http/1.1", wrong: str = "") -> Context:
        """The context for connections to servers that are met so, or as an injected fault wants it.

        Raises CertificateError.
        """
        found = self._to_servers.get((wanted, protocol, wrong))
        if found is None:
            pair: Pair | None = None
            if wanted.certificate:
                pair = next(iter(self._pairs(wanted.certificate)), None)
                if pair is None:
                    raise CertificateError(f"nothing of [cert:{wanted.certificate}] can be read")
            found = client_context(
                verify=wanted.verify,
                authorities=wanted.ca,
                pair=pair,
                protocols=(protocol.encode("ascii"),),
                wrong=wrong,
            )
            self._to_servers[wanted, protocol, wrong] = found
        return found
