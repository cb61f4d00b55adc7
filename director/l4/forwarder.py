"""The one door of layer 4: a frame in, a verdict out (`lvs-semantics` C.4; `kernel-fastpath` 5).

`receive` first tries the hot path: one wide unpack, one look-up, a few writes, for packets that change
nothing about their flow.  Everything else goes the general way, in `inbound`, `outbound` and
`passing`.  The forwarder knows no socket and no clock, and never raises on any bytes.
"""

from __future__ import annotations

import sys
from collections import Counter
from random import Random
from struct import Struct
from typing import TYPE_CHECKING

from director.errors import PacketError
from director.l4.admission import Admission
from director.l4.defence import Defence
from director.l4.flows import OUTPUT, TABLED, Flow, FlowTable
from director.l4.fragments import Reassembly, Whole
from director.l4.icmp import Icmp, group, is_error
from director.l4.icmp_relay import Passing
from director.l4.inbound import Inbound
from director.l4.methods.base import Means
from director.l4.outbound import Outbound
from director.l4.output import Exits
from director.l4.services import Services
from director.l4.settings import Settings
from director.l4.states.transitions import States
from director.l4.verdicts import Batch, Deliver, Redirect, Verdict
from director.l4.wire import offload as vnet
from director.l4.wire.checksum import UDP_ZERO
from director.l4.wire.ethernet import IPV4, IPV6, L3, VLAN_ID, kind, untag
from director.l4.wire.offload import NEEDS_CSUM
from director.l4.wire.packet import AH, ESP, Packet, parse, verified
from director.l4.wire.segment import fragments_v6
from director.l4.wire.transport import FIN, RST, SCTP, SYN, TCP, UDP
from director.model.pools import Forward
from director.registry.counters import ESTIMATOR_PERIOD, INBYTES, INPKTS, OUTBYTES, OUTPKTS, Zeroable

if TYPE_CHECKING:
    from director.l4.flows import Track
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
_GSO_TCP = frozenset({vnet.GSO_TCPV4, vnet.GSO_TCPV6})
HANDLED = frozenset({TCP, UDP, SCTP, AH, ESP})
LOOPBACK_V6 = bytes(15) + b"\1"
ISAKMP = b"\x01\xf4\x01\xf4"
OTHER_HOST = Deliver("other_host")
NOT_IP = Deliver("not_ip")
UNKNOWN_PROTOCOL = Deliver("unknown_protocol")
ICMP_QUERY = Deliver("icmp_query")
WAITING = Batch(())
"""A fragment was kept: nothing to do yet."""


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
        self, registry: Registry, routing: Routing, random: Random, settings: Settings | None = None
    ) -> None:
        settings = settings or Settings()
        self.settings = settings
        self.counters: Counter[str] = Counter()
        self.total = Zeroable()
        self.table = FlowTable(settings.flow_limit)
        self.states = States(settings)
        self.services = Services(registry, settings.marks)
        self.defence = Defence(settings, self.table, random)
        self._backup = False
        self.memory = settings.amemthresh * 2
        self._routing = routing
        self._traffic = self.total.traffic.cells
        self._tracks = self.table.tracks
        self._quick = {TCP: self._tracks[TCP], UDP: self._tracks[UDP]}
        self._macs: dict[int, bytes] = {index: link.mac for index, link in routing.links.items()}
        exits = Exits(routing, self.counters)
        self.exits = exits
        self._icmp = Icmp(exits, settings.icmp_rate)
        self._means = Means(exits, self._icmp, settings, self.states, random)
        self._fragments = Reassembly(self.counters)
        self.admission = Admission(
            registry, self.services, self.table, self.defence, self._means, self._traffic
        )
        self.notes = self.admission.notes
        self._inbound = Inbound(self.table, self.states, self.admission, self._means, self._traffic)
        self._outbound = Outbound(
            self.table, self.states, self.services, self.admission, self._means, self._traffic
        )
        self._passing = Passing(
            self.table, self.services, self.admission, self._inbound, self._outbound, self._means
        )
        self._next_second = self._next_estimate = 0.0
        self.states.secure(self.defence.secure)

    @property
    def backup(self) -> bool:
        """The backup synchronisation daemon runs; with `backup_only` packets are then left alone."""
        return self._backup

    @backup.setter
    def backup(self, running: bool) -> None:
        self._backup = running
        self._stale()

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
                tracks = self._quick.get(protocol)
                track = tracks.get(key) if tracks is not None else None
                if (
                    track is not None
                    and track.until > now
                    and length <= size - L3
                    and (length <= track.mtu or _cuts_to(track.mtu, frame, 34, protocol, offload))
                    and (length >= 40 and track.calm[flags] if protocol == TCP else length >= 28 and udp)
                    and hops > 0x1FF
                    and mac == self._macs.get(ifindex)
                    and (first + length + ident + bits + hops + check + track.total) % 0xFFFF == 0
                    and track.flow.server.available
                    and (track.seal is None or (length + L3 == size and not any(offload)))
                ):
                    _PUT_V4(frame, 22, hops - 0x100, (check + track.change_ip) % 0xFFFF, track.put)
                    if track.seal is not None:
                        track.seal.put_on(frame, first & 0xFF, (hops >> 8) - 1, bits & 0x4000)
                    elif length + L3 < size:
                        del frame[length + L3 :]
                    check = tcp if protocol == TCP else udp
                    return self._carry(frame, 34, track, check, length, now, offload)
            elif first >> 16 == IPV6 and size >= _LEAST_V6:
                return self._receive_v6(frame, ifindex, now, offload)
        return self._general(frame, ifindex, now, offload)

    def _receive_v6(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> Verdict:
        """The hot path for IPv6 without extension headers."""
        mac, first, length, hops, key, udp, flags, tcp = _V6(frame)
        protocol = hops >> 8
        tracks = self._quick.get(protocol)
        track = tracks.get(key) if tracks is not None else None
        if (
            track is not None
            and track.until > now
            and first >> 28 == 6
            and length + 54 == len(frame)
            and (length + 40 <= track.mtu or _cuts_to(track.mtu, frame, 54, protocol, offload))
            and (length >= 20 and track.calm[flags] if protocol == TCP else length >= 8 and udp)
            and hops & 0xFF > 1
            and mac == self._macs.get(ifindex)
            and track.flow.server.available
            and (track.seal is None or not any(offload))
        ):
            _PUT_V6(frame, 20, hops - 1, track.put)
            if track.seal is not None:
                track.seal.put_on(frame, first >> 20 & 0xFF, frame[21], 0)
            check = tcp if protocol == TCP else udp
            return self._carry(frame, 54, track, check, length + 40, now, offload)
        return self._general(frame, ifindex, now, offload)

    def _carry(
        self, frame: bytearray, l4: int, track: Track, check: int, length: int, now: float, offload: bytes
    ) -> Redirect:
        """A packet of the hot path: its layer-4 checksum, which was `check`, the counts, the MAC addresses.

        A checksum that is still to be completed follows the addresses only.
        """
        flow = track.flow
        change = track.change_l4
        if change:
            if offload and offload[0] & NEEDS_CSUM:
                change = track.change_partial
            if flow.protocol == TCP:
                _PUT_ONE(frame, l4 + 16, (check + change) % 0xFFFF)
            else:
                _PUT_ONE(frame, l4 + 6, (check + change) % 0xFFFF or UDP_ZERO)
        flow.stamp = now
        server, service, total = flow.server_traffic, flow.service_traffic, self._traffic
        if track.direction == OUTPUT:
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
        _PUT_MACS(frame, 0, track.macs)
        return track.verdict

    # -- the general way --

    def _general(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> Verdict:
        try:
            return self._parsed(frame, ifindex, now, offload)
        except PacketError as error:
            return self.exits.drop(error.reason)

    def _parsed(self, frame: bytearray, ifindex: int, now: float, offload: bytes) -> Verdict:
        """C.4, steps 2 to 7."""
        if len(frame) < L3:
            return self.exits.drop("short_frame")
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
        fault = _martian(packet)
        if fault:
            return self.exits.drop(fault)
        if packet.fragmented and packet.protocol not in (AH, ESP):
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
                return self.exits.drop("bad_icmp_checksum")
            return self._passing.receive(packet, offload, now)
        if packet.protocol == TCP and packet.tcp_flags & CHANGING:
            if not verified(packet):
                return self.exits.drop("bad_checksum")
            packet.verified = True
        track = self.table.find(TABLED[packet.protocol], _table_key(packet))
        if track is None:
            return self._unknown(packet, offload, now)
        if track.direction == OUTPUT:
            return self._outbound.receive(packet, track.flow, offload, now)
        return self._inbound.receive(packet, track.flow, offload, now)

    def _unknown(self, packet: Packet, offload: bytes, now: float) -> Verdict:
        """No flow has the packet's key."""
        if packet.protocol in (AH, ESP):
            return UNKNOWN_PROTOCOL
        track = self.table.find_unknown_port(packet.protocol, packet.key)
        if track is not None and track.direction != OUTPUT:
            return self._inbound.receive(packet, track.flow, offload, now)
        verdict = self._outbound.stray(packet, offload, now)
        if verdict is not None:
            return verdict
        return self._inbound.open(packet, offload, now)

    # -- time --

    def tick(self, now: float) -> Batch:
        """Time passes: call it a few times a second.  Ends what is over; returns what is to be sent."""
        self._macs = {index: link.mac for index, link in self._routing.links.items()}
        self._fragments.expire(now)
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
        return Batch(())

    def follow(self) -> None:
        """The registry changed: the next packet meets its services and servers as they are now.

        Flows that have no server any more end, when the settings say so.
        """
        if self.services.follow():
            self._stale()
        if self.settings.expire_nodest_conn:
            for entry in [one for one in self.table.entries if isinstance(one, Flow) and not one.usable]:
                self.table.expire_now(entry)

    def left(self) -> set[tuple[int, bytes, int]]:
        """Protocol, address and port of NAT servers that left, or whose service did, and still have flows.

        Their answers belong to clients who do not know them by that address.
        """
        return {
            (one.protocol, one.target, one.dport)
            for one in self.table.entries
            if isinstance(one, Flow) and not one.usable and one.method is Forward.NAT
        }

    def configure(self, settings: Settings) -> None:
        """Take over other settings; flows stay.  A smaller table fills no further until it has shrunk."""
        self.settings = self._means.settings = settings
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
        for tracks in self._tracks.values():
            for track in tracks.values():
                track.until = 0.0


def _cuts_to(mtu: int, frame: bytearray, l4: int, protocol: int, offload: bytes) -> bool:
    """A super-frame of TCP whose segments are packets of at most `mtu` bytes."""
    if protocol != TCP or len(offload) < vnet.SIZE or offload[1] & ~vnet.GSO_ECN not in _GSO_TCP:
        return False
    headers = l4 - L3 + 4 * (frame[l4 + 12] >> 4)
    return headers + int.from_bytes(offload[4:6], sys.byteorder) <= mtu


def _martian(packet: Packet) -> str:
    """Why nobody honest sends from this source; empty when somebody may."""
    source = packet.source
    if source == packet.destination:
        return "land"
    if group(source) or (source[0] == 127 and len(source) == 4) or source == LOOPBACK_V6:
        return "martian_source"
    return ""


def _table_key(packet: Packet) -> bytes:
    """The packet's key; AH and ESP are looked up as ISAKMP, port 500 to 500 (D.5)."""
    if packet.protocol in (AH, ESP):
        return packet.source + packet.destination + ISAKMP
    return packet.key
