"""V60 to V62: active and passive FTP through NAT, played packet by packet."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from director.l4.states.transitions import name
from director.l4.verdicts import Drop, Transmit
from director.l4.wire import offload as vnet
from director.model.pools import Address
from tests.support.layer4_world import CLIENT, CLIENT6, SERVERS, SERVERS6, VIP, VIP6, World, ip, right, sent


class Control:
    """A control connection through the director; sequence numbers as each end counts them."""

    def __init__(self, family: int = 4, servers: int = 1, host: str = VIP) -> None:
        self.client, self.virtual, self.server = (
            (CLIENT, host, SERVERS[0]) if family == 4 else (CLIENT6, VIP6, SERVERS6[0])
        )
        address = {"address": Address(self.server, 21)}
        self.world = World(port=21, family=family, servers=servers, server=address, host=host)
        self.there, self.back, self.acked = 1000, 5000, 5000
        self.up("", "S")
        self.down("", "SA")
        self.up("", "A")

    def up(self, text: str, flags: str = "PA") -> Any:
        tcp = TCP(sport=4000, dport=21, flags=flags, seq=self.there, ack=self.acked)
        self.there += len(text)
        packet = ip(self.client, self.virtual) / tcp / Raw(text.encode())
        return sent(self.world.client(packet))

    def down(self, text: str, flags: str = "PA", seq: int | None = None) -> Any:
        tcp = TCP(sport=21, dport=4000, flags=flags, seq=self.back if seq is None else seq, ack=self.there)
        if seq is None:
            self.back += len(text)
        frame = sent(self.world.server(ip(self.server, self.client) / tcp / Raw(text.encode())))
        assert right(frame)
        body = bytes(frame[TCP].payload)
        self.acked = frame[TCP].seq + len(body)
        return frame

    def data(self, packet: Any) -> Any:
        """A packet of the data connection, from whichever side its source is on."""
        side = self.world.client if packet[0].src == self.client else self.world.server
        return side(packet)


def test_active_port_lets_the_server_connect() -> None:
    """V60: from the server's 20 to the client's port, seen as from VIP:20."""
    control = Control()
    up = control.up("PORT 192,0,2,9,19,137\r\n")
    assert bytes(up[TCP].payload) == b"PORT 192,0,2,9,19,137\r\n"
    listening = [one for one in control.world.table.entries if name(one) == "LISTEN"]
    assert [one.timeout for one in listening] == [120]
    frame = sent(control.data(IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=20, dport=5001, flags="S")))
    assert (frame[IP].src, frame[TCP].sport, frame[TCP].dport) == (VIP, 20, 5001)
    assert right(frame)
    frame = sent(control.data(IP(src=CLIENT, dst=VIP) / TCP(sport=5001, dport=20, flags="SA")))
    assert (frame[IP].dst, frame[TCP].dport) == (SERVERS[0], 20)


@pytest.mark.parametrize("family", [4, 6])
def test_active_eprt(family: int) -> None:
    control = Control(family)
    control.up(f"EPRT |{1 if family == 4 else 2}|{control.client}|5001|\r\n")
    packet = ip(control.server, control.client) / TCP(sport=20, dport=5001, flags="S")
    frame = sent(control.data(packet))
    assert (frame[1].src, frame[TCP].sport) == (control.virtual, 20)
    assert right(frame)


def test_foreign_address_opens_nothing() -> None:
    """No bounce (RFC 2577)."""
    control = Control()
    control.up("PORT 192,0,2,10,19,137\r\n")
    control.up("EPRT |1|192.0.2.10|5001|\r\n")
    control.up("PORT 192,0,2,9,19,300\r\n")
    assert len(control.world.table) == 1


def test_passive_reply_shows_the_virtual_address() -> None:
    """V61: the data connection goes to the same server, though turns would pick another."""
    control = Control(servers=3)
    control.up("PASV\r\n")
    frame = control.down("227 Entering Passive Mode (10,0,0,11,200,10)\r\n")
    assert bytes(frame[TCP].payload) == b"227 Entering Passive Mode (192,0,2,80,200,10)\r\n"
    port = 200 << 8 | 10
    frame = sent(control.data(IP(src=CLIENT, dst=VIP) / TCP(sport=6001, dport=port, flags="S")))
    assert (frame[IP].dst, frame[TCP].dport) == (SERVERS[0], port)
    frame = sent(control.data(IP(src=SERVERS[0], dst=CLIENT) / TCP(sport=port, dport=6001, flags="SA")))
    assert (frame[IP].src, frame[TCP].sport) == (VIP, port)
    assert control.world.real().load == 2
    assert control.world.forwarder.total.traffic.conns == control.world.real().stats.traffic.conns == 2


def test_sequence_numbers_after_a_longer_reply() -> None:
    """V62: VIP 192.0.2.80 for 10.0.0.11 adds one byte; both ways stay right, also for a repeated reply."""
    control = Control()
    control.up("PASV\r\n")
    text = "227 Entering Passive Mode (10,0,0,11,200,10)\r\n"
    place = control.back
    first = control.down(text)
    assert first[TCP].seq == place
    again = control.down(text, seq=place)
    assert bytes(again) == bytes(first)
    up = control.up("RETR x\r\n")
    assert up[TCP].ack == control.back
    assert right(up)
    frame = control.down("150 Opening\r\n")
    assert frame[TCP].seq == place + len(text) + 1
    up = control.up("", "A")
    assert up[TCP].ack == control.back


@pytest.mark.parametrize("family", [4, 6])
def test_extended_passive(family: int) -> None:
    control = Control(family)
    control.up("EPSV\r\n")
    text = "229 Entering Extended Passive Mode (|||6446|)\r\n"
    assert bytes(control.down(text)[TCP].payload) == text.encode()
    frame = sent(control.data(ip(control.client, control.virtual) / TCP(sport=6001, dport=6446, flags="S")))
    assert (frame[1].dst, frame[TCP].dport) == (control.server, 6446)


def test_reply_without_a_question_is_left_alone() -> None:
    control = Control()
    text = "227 Entering Passive Mode (10,0,0,11,200,10)\r\n"
    assert bytes(control.down(text)[TCP].payload) == text.encode()
    control.up("PASV\r\n")
    assert b"999" in bytes(control.down("227 odd (10,0,0,999,200,10)\r\n")[TCP].payload)
    assert len(control.world.table) == 1


def test_data_flow_keeps_its_control_flow_alive() -> None:
    control = Control()
    control.up("PASV\r\n")
    control.down("227 Entering Passive Mode (10,0,0,11,200,10)\r\n")
    port = 200 << 8 | 10
    world = control.world
    for _ in range(4):
        control.data(IP(src=CLIENT, dst=VIP) / TCP(sport=6001, dport=port, flags="S"))
        control.data(IP(src=CLIENT, dst=VIP) / TCP(sport=6001, dport=port, flags="A"))
        world.wait(600)
    assert len(world.table) == 2
    world.wait(1100)
    assert len(world.table) == 0
    assert world.real().load == 0


def test_control_flow_on_another_port_is_plain_nat() -> None:
    world = World(port=2121)
    world.client(IP(src=CLIENT, dst=VIP) / TCP(sport=4000, dport=2121, flags="S"))
    assert world.table.entries[0].app == ""


REPLY = "227 Entering Passive Mode (10,0,0,11,200,10)\r\n"


def test_reply_of_the_same_length_is_replaced_again() -> None:
    """The two texts are of one length, so no number moves; sent again, it must not show the server."""
    control = Control()
    control.up("PASV\r\n")
    place, text = control.back, "227 ok (10,0,0,11,200,010)\r\n"
    first = control.down(text)
    assert len(first[TCP].payload) == len(text)
    assert bytes(control.down(text, seq=place)) == bytes(first)


def test_reply_sent_again_together_with_what_follows() -> None:
    """A sender may put what it sends again into one segment (RFC 9293, 3.8.1), or into other ones."""
    control = Control()
    control.up("NOOP\r\nPASV\r\n")
    place = control.back
    ok = "200 ok\r\n"
    control.down(ok)
    control.down(REPLY)
    wanted = (ok + REPLY.replace("10,0,0,11", "192,0,2,80")).encode()
    assert bytes(control.down(ok + REPLY, seq=place)[TCP].payload) == wanted
    whole = ok + REPLY
    middle = whole.index("0,11")
    first = control.down(whole[:middle], seq=place)
    second = control.down(whole[middle:], seq=place + middle)
    assert bytes(first[TCP].payload) + bytes(second[TCP].payload) == wanted
    assert second[TCP].seq == first[TCP].seq + len(first[TCP].payload)


def test_nothing_behind_a_reply_is_lost() -> None:
    control = Control()
    control.up("PASV\r\n")
    text = REPLY + "x" * 1300
    assert bytes(control.down(text)[TCP].payload).endswith(b"200,10)\r\n" + b"x" * 1300)


def test_broken_segments_are_neither_read_nor_healed() -> None:
    control = Control()
    command = TCP(sport=4000, dport=21, flags="PA", seq=1000, ack=5000, chksum=1)
    packet = IP(src=CLIENT, dst=VIP) / command / Raw(b"PASV\r\n")
    assert control.world.client(packet) == Drop("bad_checksum")
    control.up("PASV\r\n")
    reply = TCP(sport=21, dport=4000, flags="PA", seq=5000, ack=1006, chksum=1)
    packet = IP(src=SERVERS[0], dst=CLIENT) / reply / Raw(REPLY.encode())
    assert control.world.server(packet) == Drop("bad_checksum")
    assert b"192,0,2,80" in bytes(control.down(REPLY)[TCP].payload)


@pytest.mark.parametrize("size", [0, 1000])
def test_partial_checksum_follows_the_new_length(size: int) -> None:
    """What a server with offloads sends: the device completes it, or the kernel cuts it."""
    control = Control()
    control.up("PASV\r\n")
    text = REPLY + "y" * 1100 if size else REPLY
    tcp = TCP(sport=21, dport=4000, flags="PA", seq=control.back, ack=control.there, chksum=0)
    raw = bytearray(bytes(IP(src=SERVERS[0], dst=CLIENT) / tcp / Raw(text.encode())))
    raw[36:38] = in4_pseudoheader_sum(bytes(raw))
    kind = vnet.GSO_TCPV4 if size else vnet.GSO_NONE
    header = vnet.write(vnet.Offload(vnet.NEEDS_CSUM, kind, 54, size, 34, 16))
    verdict = control.world.server(IP(bytes(raw)), offload=header)
    assert isinstance(verdict, Transmit)
    assert verdict.offload == header
    made = Ether(bytes(verdict.frame))
    assert bytes(made[TCP].payload) == text.replace("10,0,0,11", "192,0,2,80").encode()
    assert bytes(verdict.frame)[50:52] == in4_pseudoheader_sum(bytes(made[IP]))


def in4_pseudoheader_sum(packet: bytes) -> bytes:
    """The sum of the pseudo-header of a TCP packet over IPv4, as a host leaves it to its device."""
    length = len(packet) - 20
    total = 6 + length + sum(int.from_bytes(packet[at : at + 2], "big") for at in range(12, 20, 2))
    return (total % 0xFFFF).to_bytes(2, "big")
