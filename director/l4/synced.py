"""Flows and templates as other directors are told of them, and as they tell of theirs (`lvs-semantics` J).

`told` makes the value of an entry.  `Replicas` makes entries of values: like those of this director's own
packets, but with `replica` set, and such that they go on at once when packets of theirs come here.  What has
no server here is kept aside until it has one, for no longer than it would live.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from director.l4 import persistence
from director.l4.apps.sequence import WORD, Shift
from director.l4.flows import Entry, Flow, FlowTable, Template, TemplateFields, key
from director.l4.services import ANY_PORT, Places, Services, VirtualService, by_address, packed
from director.l4.states import sctp, tcp
from director.l4.states.directions import OUTPUT
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.model import synced
from director.model.pools import BYPASS, METHODS, Forward, Method
from director.model.synced import Sequence, SyncedConnection
from director.registry import ledger

if TYPE_CHECKING:
    from director.l4.states.transitions import States
    from director.model.virtual import L4Settings
    from director.registry.live import RealServer

NUMBERS = {
    METHODS[Forward.NAT]: synced.MASQ,
    METHODS[Forward.LOCAL]: synced.LOCALNODE,
    METHODS[Forward.TUN]: synced.TUNNEL,
    METHODS[Forward.DR]: synced.DROUTE,
    BYPASS: synced.BYPASS,
}
"""Forwarding methods as IPVS numbers them (B.1)."""
STATES = {TCP: len(tcp.NAMES), SCTP: len(sctp.NAMES), UDP: 1}
TEMPLATE_TIMEOUT = 180.0
"""Seconds a template lives of which a message of version 0 tells (J.5, step 5)."""
LONGEST_TIMEOUT = 31 * 86400
"""Seconds; no time-out of ours is longer."""
SWEEP = 10.0
"""Seconds between two looks for what waits in vain for a server."""


def told(entry: Entry) -> SyncedConnection | None:
    """What others are told of a flow or template; None for what has no place in a message."""
    if isinstance(entry, Template):
        return _template_told(entry)
    assert isinstance(entry, Flow)  # noqa: S101 - the table holds nothing else
    if len(entry.target) != len(entry.client):
        return None
    flags = NUMBERS[entry.method]
    flags |= synced.NOOUTPUT if entry.quiet else 0
    flags |= 0 if entry.lease is not None and not entry.lease.inactive else synced.INACTIVE
    flags |= 0 if entry.cport else synced.NO_CPORT
    outgoing = _sequence(entry.adjust)
    flags |= 0 if outgoing is None else synced.OUT_SEQ
    return SyncedConnection(
        entry.protocol, entry.client, entry.cport, entry.virtual, entry.vport, entry.target, entry.dport,
        flags, entry.state, entry.mark, round(entry.timeout), outgoing=outgoing,
    )  # fmt: skip


def _sequence(shift: object) -> Sequence | None:
    """IPVS moves what comes after the packet's octet `start`; ours is where the old text ended."""
    if not isinstance(shift, Shift) or shift.start is None:
        return None
    return Sequence(shift.start + len(shift.old) - 1 & WORD, shift.change, shift.previous)


def _template_told(template: Template) -> SyncedConnection | None:
    about, config = template.fields, template.service.config
    target = packed(template.server.address.host)
    if target is None or len(target) != len(about.virtual):
        return None
    return SyncedConnection(
        about.protocol, about.client, 0, about.virtual, about.vport, target, about.dport,
        NUMBERS[template.service.method(template.server.config)] | synced.TEMPLATE, int(template.assured),
        template.service.mark, round(template.timeout), engine=config.engine if about.data else "",
        data=about.data,
    )  # fmt: skip


Place = tuple[int, bytes, int, bytes, int, bool, bytes]


def _place(told: SyncedConnection) -> Place:
    """What tells one connection from another."""
    template = bool(told.flags & synced.TEMPLATE)
    return told.protocol, told.client, told.cport, told.virtual, told.vport, template, told.data


class Replicas:
    """What other directors told.

    `packets` is the packet number that a new entry begins with, so that a take-over is not told at once.
    `homeless` are those without a server, with the time they end; with the table's entries they are bounded
    by its `limit`.
    """

    def __init__(self, table: FlowTable, services: Services, states: States, settings: L4Settings) -> None:
        self._table, self._services, self._states = table, services, states
        self._settings = settings
        self.homeless: dict[Place, tuple[SyncedConnection, float]] = {}
        self._next_sweep = 0.0
        self._servers: dict[str, Places] = {}

    def configure(self, settings: L4Settings) -> None:
        """Other settings count from now on."""
        self._settings = settings

    def take(self, told: SyncedConnection, now: float) -> str:
        """Take one in; returns what became of it, a word for a counter.

        `made`, `updated`, `older` (what is here is newer), `homeless`, `unknown` (protocol or state),
        `full` or `taken` (the server's answers belong to another flow).
        """
        template = bool(told.flags & synced.TEMPLATE)
        known = STATES.get(told.protocol)
        if not template and (known is None or told.state >= known):
            return "unknown"
        if len(told.client) != len(told.target):
            return "unknown"
        old = self._find(told)
        if old is not None:
            if _same_end(old, told):
                return self._update(old, told, now)
            if told.flags & synced.INACTIVE:
                return "older"
            self._table.expire_now(old)
        self.homeless.pop(_place(told), None)
        if len(self._table) + len(self.homeless) >= self._table.limit:
            return "full"
        found = self._home(told)
        if found is None:
            self.homeless[_place(told)] = told, now + self._timeout(told)
            return "homeless"
        return self._make(told, *found, now)

    def follow(self, now: float) -> int:
        """The registry changed: what has a server now goes there; returns how many did."""
        self._servers.clear()
        moved = 0
        for place, (told, end) in list(self.homeless.items()):
            found = self._home(told) if end > now else None
            if found is not None:
                del self.homeless[place]
                moved += self._make(told, *found, now, end) == "made"
        return moved

    def tick(self, now: float) -> None:
        """Time passes: what had no server in its time is forgotten."""
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP
        self.homeless = {place: one for place, one in self.homeless.items() if one[1] > now}

    # -- what is here --

    def _find(self, told: SyncedConnection) -> Flow | Template | None:
        if told.flags & synced.TEMPLATE:
            return self._table.templates.get(persistence.template_key(_fields(told)))
        wanted = key(told.client, told.virtual, told.cport, told.vport)
        fast = self._table.find(told.protocol, wanted)
        return None if fast is None or fast.direction == OUTPUT else fast.flow

    def _update(self, old: Flow | Template, told: SyncedConnection, now: float) -> str:
        if isinstance(old, Template):
            old.assured = old.assured or told.state == 1
            old.timeout = self._timeout(told)
        else:
            self._enter(old, told)
        old.in_pkts = self._settings.sync_threshold[0]
        self._table.restart(old, now)
        return "updated"

    # -- what is new --

    def _home(self, told: SyncedConnection) -> tuple[VirtualService, RealServer] | None:
        """Its service and server (J.5, step 4)."""
        service = self._services.lookup(told.mark, told.protocol, told.virtual, told.vport)
        if service is None or (told.flags & synced.TEMPLATE and service.persistent is None):
            return None
        name = service.config.pool
        if name not in self._servers:
            self._servers[name] = by_address(self._services.registry, name)
        # As told; 0 is one that listens wherever it is asked; a mark goes by the address alone.
        for port in (ANY_PORT,) if service.mark else (told.dport, 0):
            server = self._servers[name].get((told.target, port))
            if server is not None:
                return service, server
        return None

    def _make(
        self,
        told: SyncedConnection,
        service: VirtualService,
        server: RealServer,
        now: float,
        end: float | None = None,
    ) -> str:
        method = service.method(server.config)
        if told.flags & synced.TEMPLATE:
            entry: Flow | Template = self._template(told, service, server, now)
        else:
            made = self._flow(told, service, server, method, now)
            if made is None:
                return "taken"
            entry = made
        entry.replica = True
        entry.in_pkts = self._settings.sync_threshold[0]
        entry.stamp = now if end is None else end - entry.timeout
        self._table.wheel.schedule(entry, entry.deadline)
        return "made"

    def _template(
        self, told: SyncedConnection, service: VirtualService, server: RealServer, now: float
    ) -> Template:
        about = _fields(told)
        template = Template(persistence.template_key(about), about, service, ledger.template(server), now)
        template.assured, template.timeout = told.state == 1, self._timeout(told)
        self._table.add_template(template)
        return template

    def _flow(
        self, told: SyncedConnection, service: VirtualService, server: RealServer, method: Method, now: float
    ) -> Flow | None:
        flow = Flow(told.protocol, told.client, told.cport, told.virtual, told.vport, now)
        flow.target, flow.dport, flow.mark, flow.method = told.target, told.dport, told.mark, method
        flow.quiet = bool(told.flags & synced.NOOUTPUT)
        if method.rewrites and told.protocol == TCP and told.vport in self._settings.ftp_ports:
            flow.app = "ftp"
        if not self._table.free(flow):
            return None
        flow.bind(service, ledger.claim(server, inactive=True))
        self._table.add(flow)
        self._enter(flow, told)
        return flow

    def _enter(self, flow: Flow, told: SyncedConnection) -> None:
        """Its state, its time-out, and what was done to its payload."""
        if flow.protocol in (TCP, SCTP):
            self._states.enter(flow, told.state)
        flow.timeout = self._timeout(told)
        if told.flags & synced.OUT_SEQ and told.outgoing is not None:
            shift = Shift()
            shift.start = told.outgoing.start + 1 & WORD
            shift.change, shift.previous = told.outgoing.change, told.outgoing.previous
            flow.adjust = shift

    def _timeout(self, told: SyncedConnection) -> float:
        """Seconds; of the state's table where the message has none (J.5, step 5)."""
        if told.timeout:
            return float(min(told.timeout, LONGEST_TIMEOUT))
        if told.flags & synced.TEMPLATE:
            return TEMPLATE_TIMEOUT
        if told.protocol == TCP:
            return self._states.tcp_timeouts[told.state]
        return sctp.TIMEOUTS[told.state] if told.protocol == SCTP else self._states.udp_timeout


def _fields(told: SyncedConnection) -> TemplateFields:
    return TemplateFields(told.protocol, told.client, told.virtual, told.vport, told.dport, told.data)


def _same_end(old: Flow | Template, told: SyncedConnection) -> bool:
    if isinstance(old, Template):
        return packed(old.server.address.host) == told.target and old.fields.dport == told.dport
    return (old.target, old.dport) == (told.target, told.dport)
