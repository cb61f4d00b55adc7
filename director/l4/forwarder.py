"""The one door of layer 4: a frame in, a verdict out (`lvs-semantics` C.4; `kernel-fastpath` 5).

Theory of operation.  Nearly every packet belongs to a flow that is known, changes nothing about it, and
leaves as the packet before it did.  What happens to such a packet was worked out when the one before it came,
and stands in the `FastPathEntry` of its flow and direction: the bytes to write, what they do to the
checksums, the way out.  So the door has two halves.

The hot path, `receive`, is one wide unpack, one look-up by the addresses and ports exactly as they stand in
the frame, and a few writes.  It decides nothing.  Whatever might need a decision fails one of its clauses
and goes the general way as if there were no hot path: each clause guards one assumption that the entry
was made under, and none may be left out because it "cannot happen"; whoever sends the packets chooses them.
A packet that takes the hot path must leave octet for octet as the general way would have sent it, with the
same counts; `test_forwarder` sends the same packets through both.

The general way parses and verifies, in the order of IPVS's hooks (C.4): the frame is ours, it is IP, its
source can be honest; fragments are put together, since only the first names ports; ICMP errors go by the
packet they quote; the rest by its flow, and without one, `inbound` may open it.  When it has sent a packet of
a flow it asks for the entry to be installed (`Install`); the engine lets it count for a second, after which
one packet asks for routes, neighbours and settings again.  What would falsify entries earlier has them
forgotten: a server that is seen after all (`states.transitions`), another service or server (`follow`), other
settings (`configure`); another state changes `keeps_state` in place.

IPVS has no such split, since its code is compiled; the price of ours is this list of clauses and a neighbour
that moved being missed for up to a second.  The forwarder knows no socket and no clock, and never raises on
any bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from struct import Struct
from typing import TYPE_CHECKING

from director.errors import PacketError
from director.l4 import twins
from director.l4.admission import Admission
from director.l4.closing import Closing
from director.l4.defence import Defence, martian
from director.l4.flows import TABLED, Flow, FlowTable
from director.l4.fragments import Reassembly, Whole
from director.l4.icmp import Icmp, group, is_error
from director.l4.icmp_relay import IcmpRelay
from director.l4.inbound import Inbound
from director.l4.injected import InjectedFaults
from director.l4.methods.base import MethodContext
from director.l4.one_packet import OnePacketAnswers
from director.l4.outbound import Outbound
from director.l4.output import Output
from director.l4.reset import Reset
from director.l4.services import Services
from director.l4.states.directions import OUTPUT
from director.l4.states.transitions import States
from director.l4.verdicts import (
    ICMP_QUERY,
    NOT_IP,
    OTHER_HOST,
    UNKNOWN_PROTOCOL,
    WAITING,
    Batch,
    Deliver,
    Verdict,
)
from director.l4.wire import offload as vnet
from director.l4.wire.checksum import UDP_ZERO
from director.l4.wire.ethernet import IPV4, IPV6, L3, VLAN_ID, kind, untag
from director.l4.wire.integrity import verified
from director.l4.wire.offload import NEEDS_CSUM, cuts_to
from director.l4.wire.packet import Packet
from director.l4.wire.parse import parse
from director.l4.wire.protocols import AH, ESP, IPSEC, SCTP, TCP, UDP
from director.l4.wire.segment import fragments_v6
from director.l4.wire.transport import FIN, RST, SYN
from director.model.virtual import L4Settings
from director.registry.counters import ESTIMATOR_PERIOD, INBYTES, INPKTS, OUTBYTES, OUTPKTS, Zeroable

if TYPE_CHECKING:
    from director.l4.flows import Entry, FastPathEntry
    from director.l4.routing import Routing
    from director.registry.registry import Registry

_V4 = Struct("!6s6xIHHHHH12s2xH5xBxxH").unpack_from
"""Destination MAC, type+version+TOS, length, id, fragment bits, TTL+protocol, checksum, addresses and
ports, UDP's checksum, TCP's flags, TCP's checksum; of 52 bytes without IP options."""
_V6 = Struct("!6s8xIHH36s2xH5xBxxH").unpack_from
"""Destination MAC, version+class+label, payload length, next header+hops, then as above; of 72 bytes."""
_PUT_ONE = Struct("!H").pack_into
_PUT_MACS = Struct("!12s").pack_into
_PUT_V4 = Struct("!HH12s").pack_into
_PUT_V6 = Struct("!H36s").pack_into
_LEAST_V4, _LEAST_V6 = 52, 72
_PLAIN_V4 = IPV4 << 8 | 0x45
"""EtherType, version and header length of an IPv4 packet without options."""
_FRAGMENT = 0x3FFF
CHANGING = SYN | FIN | RST
"""Flags that move a flow: such a packet must have a good checksum, or a broken one could end a flow."""
TICK_LIMIT = 5000
"""Entries whose time is over that one tick ends; the rest come with the next tick."""
HANDLED = frozenset({TCP, UDP, SCTP, AH, ESP})


class Forwarder:
    """Layer 4 of one director.

    Attributes:
        counters: every drop and every notable event by its reason.
        total: what IPVS counts for the whole (H); servers and services are counted in the registry.
        table: flows and templates.
        admission: opens flows.
        notes: sentences for the log; whoever logs takes them out.
        memory: free pages of memory, as the shell last saw it.
    """

    def __init__(
        self,
        registry: Registry,
        routing: Routing,
        random: Random,
        settings: L4Settings | None = None,
        forget: Callable[[Flow], None] = Flow.stale,
    ) -> None:
        """`forget` is the engine's: no more packets of a flow may go without being asked about."""
        settings = settings or L4Settings()
        self.settings = settings
        self.counters: Counter[str] = Counter()
        self.total = Zeroable()
        self.table = FlowTable(settings.flow_limit, forget)
        self.states = States(settings, forget)
        self.services = Services(registry, settings.marks)
        self.defence = Defence(settings, self.table, random)
        self._backup = False
        self.memory = settings.amemthresh * 2
        self._routing = routing
        self._traffic = self.total.traffic.cells
        self._fast_path = self.table.fast_path
        self._hot = {TCP: self._fast_path[TCP], UDP: self._fast_path[UDP]}
        self._macs: dict[int, bytes] = {index: link.mac for index, link in routing.links.items()}
        output = Output(routing, self.counters)
        self.output = output
        self._icmp = Icmp(output, settings.icmp_rate)
        self._context = MethodContext(output, self._icmp, settings, self.states, random)
        self._fragments = Reassembly(self.counters)
        self.admission = Admission(
            registry, self.services, self.table, self.defence, self._context, self._traffic
        )
        self.notes = self.admission.notes
        self._answers = OnePacketAnswers(self.counters)
        reset = Reset(output, self._icmp)
        self._closing = Closing(self.table, self.services, self.states, reset, random)
        self._injected = InjectedFaults(self._context, self._closing)
        self._inbound = Inbound(
            self.table, self.states, self.admission, self._context, self._traffic, self._closing,
            self._answers, self._injected,
        )  # fmt: skip
        self._outbound = Outbound(
            self.table, self.states, self.services, self.admission, self._context, self._traffic,
            self._closing, self._answers, self._injected,
        )  # fmt: skip
        self._icmp_relay = IcmpRelay(
            self.table, self.services, self.admission, self._inbound, self._outbound, self._context
        )
        self._next_second = self._next_estimate = 0.0
        self.states.secure(self.defence.secure)

    @property
    def backup(self) -> bool:
        """The backup synchronisation daemon runs; with `backup_only` packets are then left alone."""
        return self._backup

    @backup.setter
    def backup(self, running: bool) -> None:
        if running is not self._backup:
            self._backup = running
            self._stale()

    def synchronise(
        self,
        packet: Callable[[Flow, float], None] | None,
        put_off: Callable[[Entry, float], None] | None,
    ) -> None:
        """Let a master of synchronisation know of packets of clients, and of entries that live on (J.4).

        Of packets of the hot path the shell lets it know: `receive` has answered with their entry.
        """
        self._inbound.synchronise = packet
        self.table.put_off = put_off

    # -- the hot path --

    def receive(self, frame: bytearray, ifindex: int, now: float, offload: bytes = b"") -> Verdict:
        """What to do with one frame from the Ethernet header on; it may be rewritten in place.

        `now` is monotonic seconds, `offload` the virtio header or empty.  Never raises on any bytes.
        """
        size = len(frame)
        if size >= _LEAST_V4:
            mac, first, length, ident, bits, hops, check, key, udp, flags, tcp = _V4(frame)
            if first >> 8 == _PLAIN_V4 and not bits & _FRAGMENT:
                protocol = hops & 0xFF
                fast_path = self._hot.get(protocol)
                fast = fast_path.get(key) if fast_path is not None else None
                if (
                    fast is not None
                    # The engine lets it count: routes, neighbours and settings are not a second old.
                    and fast.valid_until > now
                    # What the header calls the packet is there; what is more is padding (RFC 894).
                    and length <= size - L3
                    # It fits the way out whole, or each of its segments does; else ICMP has to be sent.
                    and (length <= fast.mtu or cuts_to(fast.mtu, frame, 34, protocol, offload))
                    # The header that was read is in the packet, and moves no state.  Without a UDP
                    # checksum there is none to adjust: it gets a complete one (D.3).
                    and (
                        length >= 40 and fast.keeps_state[flags] if protocol == TCP else length >= 28 and udp
                    )
                    # TTL 2 or more: at 1 it is the director who must say that time is exceeded.
                    and hops > 0x1FF
                    # To this host and not merely past it: a promiscuous port sees other hosts' frames.
                    and mac == self._macs.get(ifindex)
                    # The header's checksum holds; an adjusted bad one would stay bad, but a router drops
                    # such a packet (RFC 1812, 5.2.2) and so do we.  `total` has the addresses.
                    and (first + length + ident + bits + hops + check + fast.total) % 0xFFFF == 0
                    # Neither gone nor, since the entry was made, cut off by an order or a check.
                    and fast.flow.server.carries
                    # No virtio word exists for a super-frame in a tunnel, and padding must not get inside.
                    and (fast.encapsulation is None or (length + L3 == size and not any(offload)))
                ):
                    _PUT_V4(frame, 22, hops - 0x100, (check + fast.change_ip) % 0xFFFF, fast.rewritten)
                    if fast.encapsulation is not None:
                        fast.encapsulation.encapsulate(frame, first & 0xFF, (hops >> 8) - 1, bits & 0x4000)
                    elif length + L3 < size:
                        del frame[length + L3 :]
                    check = tcp if protocol == TCP else udp
                    return self._carry(frame, 34, fast, check, length, now, offload)
            elif first >> 16 == IPV6 and size >= _LEAST_V6:
                return self._receive_v6(frame, ifindex, now, offload)
        return self._general(frame, ifindex, now, offload)

    def _receive_v6(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> Verdict:
        """The hot path for IPv6 without extension headers: the same clauses.

        There is no header checksum, and a packet with padding goes the general way: all are rare here.
        """
        mac, first, length, hops, key, udp, flags, tcp = _V6(frame)
        protocol = hops >> 8
        fast_path = self._hot.get(protocol)
        fast = fast_path.get(key) if fast_path is not None else None
        if (
            fast is not None
            and fast.valid_until > now
            and first >> 28 == 6
            and length + 54 == len(frame)
            and (length + 40 <= fast.mtu or cuts_to(fast.mtu, frame, 54, protocol, offload))
            and (length >= 20 and fast.keeps_state[flags] if protocol == TCP else length >= 8 and udp)
            and hops & 0xFF > 1
            and mac == self._macs.get(ifindex)
            and fast.flow.server.carries
            and (fast.encapsulation is None or not any(offload))
        ):
            _PUT_V6(frame, 20, hops - 1, fast.rewritten)
            if fast.encapsulation is not None:
                fast.encapsulation.encapsulate(frame, first >> 20 & 0xFF, frame[21], 0)
            check = tcp if protocol == TCP else udp
            return self._carry(frame, 54, fast, check, length + 40, now, offload)
        return self._general(frame, ifindex, now, offload)

    def _carry(
        self,
        frame: bytearray,
        l4: int,
        fast: FastPathEntry,
        check: int,
        length: int,
        now: float,
        offload: bytes,
    ) -> FastPathEntry:
        """A packet of the hot path: its layer-4 checksum, which was `check`, the counts, the MAC addresses.

        A checksum that is still to be completed follows the addresses only.
        """
        flow = fast.flow
        change = fast.change_l4
        if change:
            if offload and offload[0] & NEEDS_CSUM:
                change = fast.change_partial
            if flow.protocol == TCP:
                _PUT_ONE(frame, l4 + 16, (check + change) % 0xFFFF)
            else:
                _PUT_ONE(frame, l4 + 6, (check + change) % 0xFFFF or UDP_ZERO)
        flow.stamp = now
        server, service, total = flow.server_traffic, flow.service_traffic, self._traffic
        if fast.direction == OUTPUT:
            server[OUTPKTS] += 1
            server[OUTBYTES] += length
            service[OUTPKTS] += 1
            service[OUTBYTES] += length
            total[OUTPKTS] += 1
            total[OUTBYTES] += length
        else:
            flow.in_pkts += 1
            server[INPKTS] += 1
            server[INBYTES] += length
            service[INPKTS] += 1
            service[INBYTES] += length
            total[INPKTS] += 1
            total[INBYTES] += length
        _PUT_MACS(frame, 0, fast.macs)
        return fast

    # -- the general way --

    def _general(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> Verdict:
        try:
            return self._parsed(frame, ifindex, now, offload)
        except PacketError as error:
            return self.output.drop(error.reason)

    def _parsed(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> Verdict:
        """C.4, steps 2 to 7."""
        if len(frame) < L3:
            return self.output.drop("short_frame")
        tag = untag(frame)
        if tag:
            offload = vnet.moved(offload, -len(tag))
        if kind(frame) not in (IPV4, IPV6):
            return NOT_IP
        link = self._routing.links.get(ifindex)
        if (link is not None and frame[0:6] != link.mac) or (self._backup and self.settings.backup_only):
            return OTHER_HOST
        packet = parse(frame, offload)
        packet.tag_ifindex = ifindex
        packet.tag = tag if int.from_bytes(tag[2:], "big") & VLAN_ID else b""
        if packet.protocol not in HANDLED and not packet.icmp:
            return UNKNOWN_PROTOCOL
        if group(packet.destination):
            return OTHER_HOST
        fault = martian(packet)
        if fault:
            return self.output.drop(fault)
        if packet.fragmented and packet.protocol not in IPSEC:
            whole = self._fragments.take(packet, now)
            if whole is None:
                return WAITING
            return self._decide_whole(self._put_together(packet, whole), now)
        return self._decide(packet, offload, now)

    def _decide_whole(self, packet: Packet, now: float) -> Verdict:
        """A datagram put together; what is not the director's must go on as one."""
        verdict = self._decide(packet, b"", now)
        if not isinstance(verdict, Deliver):
            return verdict
        route = self._routing.route(packet.destination)
        if packet.family == IPV4 or (route is not None and route.local):
            return Deliver(verdict.why, packet.frame)
        cut = fragments_v6(packet.frame, packet.pieces, packet.ident, packet.cut, packet.head)
        return Deliver(verdict.why, packet.frame, tuple(cut))

    @staticmethod
    def _put_together(last: Packet, whole: Whole) -> Packet:
        packet = parse(whole.frame)
        packet.pieces, packet.ident = whole.largest, whole.ident
        packet.cut, packet.head = whole.cut, whole.head
        packet.tag, packet.tag_ifindex = last.tag, last.tag_ifindex
        return packet

    def _decide(self, packet: Packet, offload: bytes, now: float) -> Verdict:
        if packet.icmp:
            if not is_error(packet):
                return ICMP_QUERY
            if not verified(packet):
                return self.output.drop("bad_icmp_checksum")
            return self._icmp_relay.receive(packet, offload, now)
        if packet.protocol == TCP and packet.tcp_flags & CHANGING:
            if not verified(packet):
                return self.output.drop("bad_checksum")
            packet.verified = True
        fast = self.table.find(TABLED[packet.protocol], packet.table_key)
        if fast is None:
            return self._unknown(packet, offload, now)
        if fast.direction == OUTPUT:
            return self._outbound.receive(packet, fast.flow, offload, now)
        return self._inbound.receive(packet, fast.flow, offload, now)

    def _unknown(self, packet: Packet, offload: bytes, now: float) -> Verdict:
        """No flow has the packet's key."""
        if packet.protocol in IPSEC:
            return UNKNOWN_PROTOCOL
        fast = self.table.find_unknown_port(packet.protocol, packet.key)
        if fast is not None and fast.direction != OUTPUT:
            return self._inbound.receive(packet, fast.flow, offload, now)
        verdict = self._outbound.stray(packet, offload, now)
        if verdict is not None:
            return verdict
        return self._inbound.open(packet, offload, now)

    # -- time --

    def tick(self, now: float) -> Batch:
        """Time passes: call it a few times a second.  Ends what is over; returns what is to be sent."""
        self._macs = {index: link.mac for index, link in self._routing.links.items()}
        self._fragments.expire(now)
        self._answers.expire(now)
        self._injected.tick()
        self.table.expire(now, TICK_LIMIT)
        if now >= self._next_second:
            self._next_second = now + 1.0
            self.defence.second(self.memory, now)
            if self.states.secure(self.defence.secure):
                self._stale()
        if now >= self._next_estimate:
            self._next_estimate = now + ESTIMATOR_PERIOD
            if self.settings.run_estimation:
                self.total.estimator.tick()
        return self._closing.tick(now)

    def follow(self) -> None:
        """The registry changed: the next packet meets its services and servers as they are now.

        Flows that have no server any more end, when the settings say so.
        """
        if self.services.follow():
            self._stale()
        for service in self.services.moved:
            pool = self.services.registry.pools.get(service.config.pool)
            if pool is not None:
                twins.adopt(self.table.entries, (service,), pool)
        if self.settings.expire_nodest_conn:
            for entry in [one for one in self.table.entries if isinstance(one, Flow) and one.gone]:
                self.table.expire_now(entry)

    def follow_faults(self) -> None:
        """Faults were laid on servers, or taken away: the next packet of each of their flows is looked at."""
        for entry in self.table.entries:
            if isinstance(entry, Flow) and entry.server is not None and entry.server.injected is not None:
                self.table.forget(entry)

    def left(self) -> set[tuple[int, bytes, int]]:
        """Protocol, address and port of servers that left, or whose service did, and still have flows.

        Their answers belong to clients who do not know them by that address.
        """
        return {
            (one.protocol, one.target, one.dport)
            for one in self.table.entries
            if isinstance(one, Flow) and one.gone and one.method.answers_return
        }

    def configure(self, settings: L4Settings) -> None:
        """Take over other settings; flows stay.  A smaller table fills no further until it has shrunk."""
        self.settings = self._context.settings = settings
        self.table.limit = settings.flow_limit
        self.states.configure(settings)
        self.defence.configure(settings)
        self.services.marks = settings.marks
        self._icmp.rate = settings.icmp_rate
        self.states.secure(self.defence.secure)
        self._stale()

    def close(self) -> None:
        """Give every claim back: the director stops."""
        for entry in list(self.table.entries):
            self.table.end(entry)

    def _stale(self) -> None:
        """Something changed for all: the next packet of every flow goes the general way."""
        for entry in self.table.entries:
            if isinstance(entry, Flow):
                self.table.forget(entry)
