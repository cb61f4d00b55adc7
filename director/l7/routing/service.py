"""One layer-7 service of one generation, compiled: what a conversation needs to decide.

A compiled service never changes; a reload puts a new one into the `ServiceHandle`, and each
request takes the one that is current when its head is complete.  Other rooms give what
a room must not know: compiled conditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from director.l7.http.requests import Limits
from director.l7.routing.forwarded import ForwardedPolicy, is_trusted
from director.l7.routing.rules import CompiledRule, FieldNames, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from director.l7.proxy.trace import Record
    from director.l7.routing.facts import RequestFacts
    from director.l7.routing.fault_path import Cause, FaultTarget
    from director.model.http import L7Service
    from director.registry.registry import LiveService, Registry


class CompiledService:
    """Everything that one request of one service is judged by.

    `faults` gives the targets to try, in order, for a cause.
    """

    def __init__(
        self,
        config: L7Service,
        registry: Registry,
        live: LiveService,
        rules: tuple[CompiledRule, ...],
        faults: Callable[[Cause], Iterator[FaultTarget]],
        name: str,
        limits: Limits,
    ) -> None:
        self.config = config
        self.registry = registry
        self.live = live
        self.key = live.key
        self.rules = rules
        self.names = FieldNames(compiled.rule for compiled in rules)
        self.faults = faults
        self.limits = limits
        self.policy = ForwardedPolicy(
            config.forwarded, name, tell_certificate=config.tls is not None and config.tls.tell
        )
        self.timeouts = config.timeouts
        seconds = 0.0 if config.tls is None else config.tls.hsts
        # RFC 6797 6.1; sent by TLS alone (7.2).
        self.hsts = b"Strict-Transport-Security: max-age=%d\r\n" % seconds if seconds else b""
        self.is_http = config.protocol == "http"
        self.per_connection = config.switch == "connection" or not self.is_http

    def decide(self, facts: RequestFacts) -> CompiledRule | None:
        """The rule for a request, or None for the service's own pool."""
        return decide(self.rules, facts)

    def trusts(self, address: str) -> bool:
        """Is the peer in the trust list, or a drill's own load?"""
        # Clients of a unix socket have no address: they are nobody's load.
        if address and address == self.live.tester:
            return True
        return bool(self.config.trust) and is_trusted(address, self.config.trust)


NO_PROOFS: Mapping[str, str] = {}


class ServiceHandle:
    """The mutable face of a service: what is served now, its request ids, and where records go.

    `date` gives the Date line of answers that have none (RFC 9110 6.6.1), or nothing without a clock.
    `proofs` are what authorities ask for by path, to see that a name is ours (RFC 8555 8.3); mostly none.
    """

    __slots__ = ("current", "date", "new_id", "proofs", "record")

    def __init__(
        self,
        current: CompiledService,
        new_id: Callable[[], str],
        record: Callable[[Record], None],
        date: Callable[[], bytes] = bytes,
        proofs: Mapping[str, str] = NO_PROOFS,
    ) -> None:
        self.current = current
        self.proofs = proofs
        self.new_id = new_id
        self.record = record
        self.date = date
