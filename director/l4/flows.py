"""Flows, persistence templates and the table that holds them (`lvs-semantics` B.9, C.1, C.2).

Theory of operation.  A `Flow` is one connection.  A packet of it may come from either end, and each end
shows other addresses and ports; so the table has two `FastPathEntry`s for each flow, one per direction, keyed
by what a packet of that direction carries, and a packet finds its flow with one look-up and no question as to
who sent it (IPVS asks twice: `in_get`, then `out_get`).  From the server's side that is the server's own
address where the director rewrites, and the virtual one where servers answer by themselves (C.1).

A `Template` remembers which server a client belongs to.  Flows that it placed are controlled by it: while
one lives it lives (IPVS: `n_control`), as the control connection of FTP lives for its data.  `controls`
counts them, and an entry with `controls` is only put off when its time is over.

Each flow holds one lease on its server and each template one claim.  `end` is the one place that gives them
back, once, whatever ended the entry: time, a defence, an order, the stop.  `hide` makes an entry unfindable
and leaves the rest to its timer: so a template that is no longer right frees its key for a new one at once,
and still controls what it has.

Nothing here is written when a packet comes but `stamp` (`timers` says why).  The table is bounded; who
comes when it is full is `defence`'s matter.  Time comes in as `now`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from director.l4.states.directions import INPUT, INPUT_ONLY, OUTPUT
from director.l4.timers import STEP, UNSET, Wheel
from director.l4.wire.encapsulation import Encapsulation
from director.l4.wire.protocols import AH, ESP, SCTP, TCP, UDP
from director.model.pools import BYPASS, METHODS, Forward, Method
from director.registry.counters import Traffic

if TYPE_CHECKING:
    from director.l4.services import VirtualService
    from director.registry.counters import Cells
    from director.registry.ledger import Lease, TemplateClaim
    from director.registry.live import RealServer

FIRST_TIMEOUT = 3.0
"""Seconds a new flow lives until its first state."""
RETRY = 60.0
"""Seconds until an entry that still controls others is looked at again."""
UNKNOWN = b"\0\0"


class Entry:
    """What flows and templates share: a timer, a place in the table, and who controls whom.

    `controls` counts the entries that name this one as `control`; `number` tells entries of one table apart
    and grows with each.  `replica` is SYNC: another director told of it; `told` is what others were last told
    of it, the synchroniser's own.
    """

    __slots__ = (
        "control", "controls", "dead", "in_pkts", "index", "number", "replica", "slot", "stamp", "timeout",
        "told",
    )  # fmt: skip

    def __init__(self, now: float, timeout: float) -> None:
        self.stamp = now
        self.timeout = timeout
        self.slot = UNSET
        self.index = -1
        self.number = 0
        self.control: Entry | None = None
        self.controls = 0
        self.in_pkts = 0
        self.dead = self.replica = False
        self.told: Any = None

    @property
    def deadline(self) -> float:
        """When it expires unless a packet comes."""
        return self.stamp + self.timeout


class Template(Entry):
    """A client's (or Call-ID's) tie to one server (C.3).  `key` is its place in the table."""

    __slots__ = ("assured", "claim", "fields", "key", "server", "service")

    def __init__(
        self,
        key: tuple[Any, ...],
        fields: TemplateFields,
        service: VirtualService,
        claim: TemplateClaim,
        now: float,
    ) -> None:
        super().__init__(now, service.persistent or 0.0)
        self.key = key
        self.fields = fields
        self.service = service
        self.claim: TemplateClaim | None = claim
        self.server: RealServer = claim.server
        self.assured = False


class TemplateFields:
    """What tools list of a template: addresses packed, `data` the persistence engine's (Call-ID)."""

    __slots__ = ("client", "data", "dport", "protocol", "virtual", "vport")

    def __init__(
        self, protocol: int, client: bytes, virtual: bytes, vport: int, dport: int, data: bytes
    ) -> None:
        self.protocol = protocol
        self.client = client
        self.virtual = virtual
        self.vport = vport
        self.dport = dport
        self.data = data


class FastPathEntry:
    """One direction of a flow, as the hot path needs it: all that can be known before a packet comes.

    `flow` and `key` are set while it stands in the table only: so flow and entries are no cycle once the
    flow has ended, and are freed at once instead of when the collector comes by.

    Attributes:
        valid_until: the time up to which all of it may be used without asking again (0 = ask now).
        rewritten: the addresses and ports a packet leaves with; `key` has those it comes with.
        encapsulation: the outer headers it leaves in, or None.
        macs: the twelve octets before the EtherType.
        mtu: the largest IP packet that may leave so.
        ifindex: the interface it leaves by.
        keeps_state: an octet per value of TCP's flags, 1 when such a packet changes no state.
        change_ip: what is added to the checksum of IP, modulo 65535.
        change_l4: the same for layer 4 (0 = nothing of it changes).
        change_partial: the same for one that is still to be completed.
        total: the sum of the addresses as they come less the EtherType, to verify the IP header with.

    Answers of one server to one client port may belong to several flows, if the client asked by several
    virtual addresses.  As in IPVS the newest gets them; `older` and `newer` are the others with this `key`.
    """

    __slots__ = (
        "change_ip", "change_l4", "change_partial", "direction", "encapsulation", "flow", "ifindex",
        "keeps_state", "key", "macs", "mtu", "newer", "older", "rewritten", "total", "valid_until",
    )  # fmt: skip

    def __init__(self, direction: int) -> None:
        self.flow: Flow = None  # type: ignore[assignment]  # set by `FlowTable`
        self.key = b""
        self.direction = direction
        self.rewritten = b""
        self.encapsulation: Encapsulation | None = None
        self.macs = b""
        self.keeps_state = b""
        self.change_ip = self.change_l4 = self.change_partial = self.total = 0
        self.ifindex = self.mtu = 0
        self.older: FastPathEntry | None = None
        self.newer: FastPathEntry | None = None
        self.valid_until = 0.0


class Flow(Entry):
    """One connection: who with whom, through which service, to which server, how, and in what state.

    `client:cport` asked `virtual:vport`; `target:dport` is the server.  `lease` is its claim, given back
    when the flow ends.  `quiet` is NOOUTPUT: packets of the server are not seen.  `answered`: one came.
    `met` belongs to the faults that are injected on its server.
    """

    __slots__ = (
        "adjust", "answered", "app", "client", "cport", "dport", "lease", "mark", "met", "method", "mode",
        "one_packet", "protocol", "quiet", "server", "server_traffic", "service", "service_traffic", "state",
        "target", "to_client", "to_server", "virtual", "vport",
    )  # fmt: skip

    def __init__(
        self, protocol: int, client: bytes, cport: int, virtual: bytes, vport: int, now: float
    ) -> None:
        super().__init__(now, FIRST_TIMEOUT)
        self.protocol = protocol
        self.client, self.cport = client, cport
        self.virtual, self.vport = virtual, vport
        self.target, self.dport = virtual, vport
        self.state = 0
        self.mark = 0
        self.method: Method = METHODS[Forward.NAT]
        self.one_packet = self.quiet = self.answered = False
        self.met: tuple[Any, ...] = ()
        self.lease: Lease | None = None
        self.server: RealServer = None  # type: ignore[assignment]  # set by `bind`; a bypass has none
        self.service: VirtualService = None  # type: ignore[assignment]  # set by `bind`
        self.server_traffic: Cells = None  # type: ignore[assignment]
        self.service_traffic: Cells = None  # type: ignore[assignment]
        self.app: str = ""
        self.mode = ""
        self.adjust: Any = None
        self.to_server = FastPathEntry(INPUT)
        self.to_client = FastPathEntry(OUTPUT)

    @property
    def family(self) -> int:
        """4 or 6: that of the client; the target may differ for a tunnel."""
        return 4 if len(self.client) == 4 else 6

    def bind(self, service: VirtualService, lease: Lease | None) -> None:
        """Belong to `service` and hold `lease`; without one (bypass) the counts of a server go nowhere."""
        self.service = service
        self.service_traffic = service.traffic
        self.lease = lease
        if lease is None:
            self.server_traffic = Traffic().cells
            return
        self.server = lease.server
        self.server_traffic = lease.server.stats.traffic.cells

    @property
    def gone(self) -> bool:
        """Its server left, or its service did (not AVAILABLE, C.4 step 10)."""
        return self.method is not BYPASS and not (self.server.present and self.service.present)

    @property
    def cut(self) -> bool:
        """Its server went down, and the pool says that this ends what is established (`on_down`)."""
        return self.method is not BYPASS and self.server.cut

    @property
    def usable(self) -> bool:
        """Its packets go to its server."""
        return self.method is BYPASS or (self.server.carries and self.service.present)

    def stale(self) -> None:
        """Make the next packet of either direction ask again for routes and neighbours."""
        self.to_server.valid_until = self.to_client.valid_until = 0.0


def release(flow: Flow) -> None:
    """Give the flow's claim on its server back; nothing happens when it holds none."""
    lease, flow.lease = flow.lease, None
    if lease is not None:
        lease.release()


def key(source: bytes, destination: bytes, sport: int, dport: int) -> bytes:
    """The table's key of a packet: addresses and ports as they stand in it."""
    return source + destination + (sport << 16 | dport).to_bytes(4, "big")


TABLED = {TCP: TCP, UDP: UDP, SCTP: SCTP, ESP: UDP, AH: UDP}
"""Protocol to table: AH and ESP follow the ISAKMP flow, UDP port 500 (D.5)."""


class FlowTable:
    """All flows by both directions, all templates by key, and their timers.

    `limit` bounds flows and templates together.  `forget` lets no more packets of a flow go by its entries;
    it is the engine's, which may have copies of them.
    """

    def __init__(self, limit: int, forget: Callable[[Flow], None] = Flow.stale) -> None:
        self.limit = limit
        self.forget = forget
        self.put_off: Callable[[Entry, float], None] | None = None
        self.fast_path: dict[int, dict[bytes, FastPathEntry]] = {TCP: {}, UDP: {}, SCTP: {}}
        self.templates: dict[tuple[Any, ...], Template] = {}
        self.entries: list[Entry] = []
        self.by_age: dict[int, Entry] = {}
        self._number = 0
        self.wheel: Wheel[Entry] = Wheel()
        self.unknown_ports = 0

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def full(self) -> bool:
        """No room for one more."""
        return len(self.entries) >= self.limit

    def find(self, protocol: int, wanted: bytes) -> FastPathEntry | None:
        """The entry of a packet's key, in either direction."""
        return self.fast_path[protocol].get(wanted)

    def find_unknown_port(self, protocol: int, wanted: bytes) -> FastPathEntry | None:
        """The entry of a flow whose client port is not known yet, for a packet's key (NO_CPORT)."""
        if not self.unknown_ports:
            return None
        return self.fast_path[protocol].get(wanted[:-4] + UNKNOWN + wanted[-2:])

    def free(self, flow: Flow) -> bool:
        """No other flow gets the packets of the client that `flow` is for."""
        return _key_in(flow) not in self.fast_path[flow.protocol]

    def add(self, flow: Flow) -> None:
        """Take a flow in, which must be `free`."""
        self._hash(flow)
        self._enter(flow)

    def add_template(self, template: Template) -> None:
        """Take a template in."""
        self.templates[template.key] = template
        self._enter(template)

    def learn_port(self, flow: Flow, cport: int) -> bool:
        """The client port of a NO_CPORT flow is known now; False when another flow has those keys."""
        self._unhash(flow)
        flow.cport = cport
        if not self.free(flow):
            flow.cport = 0
            self._hash(flow)
            return False
        self._hash(flow)
        return True

    def restart(self, entry: Entry, now: float) -> None:
        """A packet came: the timer starts anew; the wheel hears of it only when the end comes nearer."""
        entry.stamp = now
        if entry.slot == UNSET or entry.slot * STEP > now + entry.timeout + 1.0:
            self.wheel.schedule(entry, now + entry.timeout)

    def remove(self, entry: Entry) -> None:
        """Take an entry out of everything; its claims are the caller's."""
        entry.dead = True
        self.wheel.cancel(entry)
        del self.by_age[entry.number]
        last = self.entries.pop()
        if last is not entry:
            self.entries[entry.index] = last
            last.index = entry.index
        if isinstance(entry, Flow):
            self._unhash(entry)
        else:
            self.hide(entry)

    def hide(self, entry: Entry) -> None:
        """Make an entry unfindable, its keys free for others; it expires by itself (C.3)."""
        if isinstance(entry, Flow):
            self._unhash(entry)
        elif isinstance(entry, Template) and self.templates.get(entry.key) is entry:
            del self.templates[entry.key]

    def end(self, entry: Entry) -> None:
        """Take an entry out and give back everything it holds: its lease or claim, its controller."""
        if entry.dead:
            return
        self.remove(entry)
        if isinstance(entry, Flow):
            release(entry)
        elif isinstance(entry, Template) and entry.claim is not None:
            entry.claim.release()
            entry.claim = None
        if entry.control is not None:
            entry.control.controls -= 1

    def expire_now(self, entry: Entry) -> None:
        """End an entry before its time; a controller that controls nothing else goes with it (C.2)."""
        if entry.dead:
            return
        if entry.controls:
            self.hide(entry)
            return
        control = entry.control
        self.end(entry)
        if control is None or control.controls or control.dead:
            return
        if not (isinstance(control, Template) and control.assured):
            self.expire_now(control)

    def expire(self, now: float, limit: int) -> int:
        """End up to `limit` entries whose time is over; returns how many were looked at."""
        due = self.wheel.due(now, limit)
        for entry in due:
            if entry.dead:
                continue
            if entry.deadline > now:
                self.wheel.schedule(entry, entry.deadline)
            elif entry.controls:
                entry.stamp, entry.timeout = now, RETRY
                if self.put_off is not None:
                    self.put_off(entry, now)
                if isinstance(entry, Flow):
                    self.forget(entry)  # its next packet gives it the timeout of its state again
                self.wheel.schedule(entry, entry.deadline)
            else:
                self.end(entry)
        return len(due)

    def _enter(self, entry: Entry) -> None:
        entry.index = len(self.entries)
        self.entries.append(entry)
        self._number = entry.number = self._number + 1
        self.by_age[entry.number] = entry
        self.wheel.schedule(entry, entry.deadline)

    def _hash(self, flow: Flow) -> None:
        flow.to_server.key, flow.to_client.key = _key_in(flow), _key_out(flow)
        flow.to_server.flow = flow.to_client.flow = flow
        flow.to_server.direction = INPUT_ONLY if flow.quiet else INPUT
        table = self.fast_path[flow.protocol]
        for fast in (flow.to_server, flow.to_client):
            older = fast.older = table.get(fast.key)
            if older is not None:
                older.newer = fast
            table[fast.key] = fast
        self.forget(flow)
        self.unknown_ports += flow.cport == 0

    def _unhash(self, flow: Flow) -> None:
        if not flow.to_server.key:
            return
        self.forget(flow)
        table = self.fast_path[flow.protocol]
        for fast in (flow.to_server, flow.to_client):
            older, newer = fast.older, fast.newer
            if newer is not None:
                newer.older = older
            elif older is not None:
                table[fast.key] = older
            else:
                del table[fast.key]
            if older is not None:
                older.newer = newer
            fast.older = fast.newer = None
            fast.key = b""
            fast.flow = None  # type: ignore[assignment]  # no packet finds it any more
        self.unknown_ports -= flow.cport == 0


def _key_in(flow: Flow) -> bytes:
    return key(flow.client, flow.virtual, flow.cport, flow.vport)


def _key_out(flow: Flow) -> bytes:
    """Where a packet of the server comes from: its own address for NAT, the VIP for the others (C.1)."""
    if flow.method.rewrites:
        return key(flow.target, flow.client, flow.dport, flow.cport)
    return key(flow.virtual, flow.client, flow.vport, flow.cport)
