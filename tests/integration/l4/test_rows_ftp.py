"""V60 to V62: FTP through NAT, packet by packet and as a stream that loses packets.

The stream test plays a small TCP on both wires: its client and server count their own sequence numbers,
lose what chance says and send again what was not acknowledged, in other pieces; what the client reads must
be what the server wrote, with the virtual address in the reply (RFC 959, 2428, 9293, 2018).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

from tests.integration.l4.flows import PORTS
from tests.integration.l4.texts import HEAD, pool, service
from tests.integration.l4.wire_judge import Judged, directed, right

CLIENT, CLIENT6 = "10.0.0.2", "fd00:10::2"
SERVER, SERVER6 = "172.16.0.2", "fd00:16::2"
SHORT, LONG, EQUAL, SIX = "192.0.2.1", "198.51.100.100", "198.51.0.9", "2001:db8:100::10"
"""Virtual addresses whose text is shorter than, longer than, and as long as the server's; and IPv6."""
VIRTUALS = {"shorter": SHORT, "longer": LONG, "equal": EQUAL}
GREETING = b"220 ready\r\n"


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    text = HEAD.format(more="") + pool("four", [f"{SERVER}:21", "172.16.0.3:21"])
    text += pool("six", [f"[{SERVER6}]:21"])
    for name, address in VIRTUALS.items():
        text += service(name, f"tcp {address}:21", "four")
    with directed(tmp_path_factory.mktemp("rows"), text + service("six", f"tcp [{SIX}]:21", "six")) as made:
        yield made


class Talk:
    """A control connection whose two ends the test plays; each counts as it would without a director."""

    def __init__(self, bed: Judged, virtual: str) -> None:
        self.bed, self.virtual, self.sport = bed, virtual, PORTS.popleft()
        self.client = CLIENT6 if ":" in virtual else CLIENT
        self.up, self.down = 1000, 9000
        self.seen = 9000
        """What the client expects next, as it counts."""
        first = self.ask(b"", "S")
        self.server = first.dst
        self.up += 1
        self.answer(b"", "SA")
        self.down += 1
        self.seen += 1
        self.ask(b"", "A")

    def head(self, source: str, to: str) -> Packet:
        return (IPv6 if ":" in to else IP)(src=source, dst=to)

    def ask(self, data: bytes, flags: str = "PA", **fields: Any) -> Packet:
        """The client says something; what the server gets."""
        tcp = TCP(sport=self.sport, dport=21, flags=flags, seq=self.up, ack=self.seen, **fields)
        self.bed.client.put(self.head(self.client, self.virtual) / tcp / Raw(data))
        self.up += len(data)
        got = self.bed.server.ip()
        assert right(got)
        return got

    def answer(self, data: bytes, flags: str = "PA", seq: int | None = None) -> Packet:
        """The server says something; what the client gets."""
        self.bed.server.put(self.segment(data, flags, seq))
        if seq is None:
            self.down += len(data)
        return self.heard()

    def segment(self, data: bytes, flags: str = "PA", seq: int | None = None) -> Packet:
        tcp = TCP(sport=21, dport=self.sport, flags=flags, seq=self.down if seq is None else seq, ack=self.up)
        return self.head(self.server, self.client) / tcp / Raw(data)

    def heard(self) -> Packet:
        got = self.bed.client.ip()
        assert right(got)
        assert (got.src, got[TCP].sport) == (self.virtual, 21)
        return got

    def read(self, packet: Packet) -> bytes:
        """The client takes what comes in order."""
        assert packet[TCP].seq == self.seen
        data = bytes(packet[TCP].payload)
        self.seen += len(data)
        return data


def comma(address: str, port: int) -> bytes:
    return ",".join([*address.split("."), str(port >> 8), str(port & 255)]).encode()


def syn(source: str, sport: int, to: str, dport: int) -> Packet:
    return (IPv6 if ":" in to else IP)(src=source, dst=to) / TCP(sport=sport, dport=dport, flags="S")


@pytest.mark.parametrize("command", ["PORT", "EPRT", "EPRT6"])
def test_active(bed: Judged, command: str) -> None:
    """V60: the server opens the data connection from its port 20; the client sees the virtual one."""
    talk = Talk(bed, SIX if command == "EPRT6" else LONG)
    port = PORTS.popleft()
    words = {
        "PORT": b"PORT " + comma(CLIENT, port),
        "EPRT": f"EPRT |1|{CLIENT}|{port}|".encode(),
        "EPRT6": f"EPRT |2|{CLIENT6}|{port}|".encode(),
    }[command] + b"\r\n"
    assert bytes(talk.ask(words)[TCP].payload) == words, "this direction is not changed"
    bed.server.put(syn(talk.server, 20, talk.client, port))
    got = bed.client.ip()
    assert right(got)
    assert (got.src, got[TCP].sport, got[TCP].dport) == (talk.virtual, 20, port)
    answer = talk.head(talk.client, talk.virtual) / TCP(sport=port, dport=20, flags="SA", seq=5, ack=1)
    bed.client.put(answer)
    got = bed.server.ip()
    assert (got.dst, got[TCP].dport, right(got)) == (talk.server, 20, True)


def test_active_is_no_bounce(bed: Judged) -> None:
    """V60, RFC 2577: an address that is not the client's opens nothing; the SYN passes as it is."""
    talk = Talk(bed, LONG)
    port = PORTS.popleft()
    talk.ask(b"PORT " + comma("10.0.0.7", port) + b"\r\n")
    bed.server.put(syn(talk.server, 20, "10.0.0.7", port))
    assert bed.client.ip().src == talk.server


@pytest.mark.parametrize("kind", VIRTUALS)
def test_passive(bed: Judged, kind: str) -> None:
    """V61 V62: the reply shows the virtual address; later numbers are right in both directions."""
    talk = Talk(bed, VIRTUALS[kind])
    talk.ask(b"PASV\r\n")
    port = PORTS.popleft()
    reply = b"227 Entering Passive Mode (" + comma(talk.server, port) + b").\r\n"
    place = talk.down
    got = talk.answer(reply)
    wanted = reply.replace(comma(talk.server, port), comma(talk.virtual, port))
    assert talk.read(got) == wanted
    assert (len(wanted) > len(reply), len(wanted) < len(reply)) == (kind == "longer", kind == "shorter")
    again = talk.answer(reply, seq=place)
    assert (again[TCP].seq, bytes(again[TCP].payload)) == (place, wanted), "sent again, it is the same"
    assert talk.ask(b"RETR x\r\n")[TCP].ack == talk.down
    assert talk.read(talk.answer(b"150 here it comes\r\n")) == b"150 here it comes\r\n"
    assert talk.ask(b"", "A")[TCP].ack == talk.down
    bed.client.put(syn(CLIENT, PORTS.popleft(), talk.virtual, port))
    data = bed.server.ip()
    assert (data.dst, data[TCP].dport, right(data)) == (talk.server, port, True)
    bed.server.put(IP(src=talk.server, dst=CLIENT) / TCP(sport=port, dport=data[TCP].sport, flags="SA"))
    back = bed.client.ip()
    assert (back.src, back[TCP].sport, right(back)) == (talk.virtual, port, True)


@pytest.mark.parametrize("virtual", [LONG, SIX])
def test_extended_passive(bed: Judged, virtual: str) -> None:
    """V61: EPSV names a port only; the data connection goes to the same server."""
    talk = Talk(bed, virtual)
    talk.ask(b"EPSV\r\n")
    port = PORTS.popleft()
    reply = f"229 Entering Extended Passive Mode (|||{port}|)\r\n".encode()
    assert talk.read(talk.answer(reply)) == reply
    bed.client.put(syn(talk.client, PORTS.popleft(), virtual, port))
    data = bed.server.ip()
    assert (data.dst, data[TCP].dport) == (talk.server, port)


def test_without_a_question_nothing_is_read(bed: Judged) -> None:
    """V61: a reply that nobody asked for passes as it is and opens nothing."""
    talk = Talk(bed, LONG)
    port = PORTS.popleft()
    reply = b"227 Entering Passive Mode (" + comma(talk.server, port) + b")\r\n"
    assert talk.read(talk.answer(reply)) == reply


def test_selective_acknowledgements(bed: Judged) -> None:
    """V62: the edges of SACK blocks behind the reply are as the server counts them."""
    for kind, virtual in VIRTUALS.items():
        talk = Talk(bed, virtual)
        talk.ask(b"PASV\r\n")
        port = PORTS.popleft()
        text = comma(talk.server, port)
        talk.read(talk.answer(b"227 ok (" + text + b")\r\n"))
        longer = len(comma(virtual, port)) - len(text)
        first, last = talk.down + 100, talk.down + 250
        blocks = (first + longer, last + longer, last + 50 + longer, last + 60 + longer)
        got = talk.ask(b"", "A", options=[("NOP", None), ("NOP", None), ("SAck", blocks)])
        assert got[TCP].ack == talk.down, kind
        assert dict(got[TCP].options)["SAck"] == (first, last, last + 50, last + 60)


class Lossy:
    """The server's side of a stream with loss: sends, hears acknowledgements, sends again in new pieces."""

    def __init__(self, talk: Talk, chance: random.Random) -> None:
        self.talk, self.chance = talk, chance
        self.stream, self.base, self.acked = b"", talk.down, 0
        self.got: dict[int, int] = {}
        self.origin = talk.seen

    def transfer(self, data: bytes) -> None:
        """Until the client has all of it and the server knows."""
        self.stream += data
        for _ in range(400):
            if self.acked == len(self.stream):
                return
            self.send()
            self.acknowledge()
        raise AssertionError(f"stuck at {self.acked} of {len(self.stream)}")

    def send(self) -> None:
        """One segment of what is not acknowledged, from anywhere, of any size; it may get lost."""
        start = (
            self.acked if self.chance.random() < 0.6 else self.chance.randrange(self.acked, len(self.stream))
        )
        data = self.stream[start : start + self.chance.randrange(1, 90)]
        self.talk.bed.server.put(self.talk.segment(data, "PA", self.base + start))
        packet = self.talk.heard()
        if self.chance.random() < 0.35:
            return  # the client never sees it
        offset = packet[TCP].seq - self.origin
        for place, byte in enumerate(bytes(packet[TCP].payload), offset):
            assert self.got.setdefault(place, byte) == byte, "what was sent again says something else"

    def acknowledge(self) -> None:
        """The client says what it has, and by SACK what it has behind a gap; it may get lost."""
        have = next(place for place in range(len(self.got) + 1) if place not in self.got)
        self.talk.seen = self.origin + have
        beyond = sorted(place for place in self.got if place > have)
        options = []
        if beyond:
            last = next(place for place in range(beyond[0], beyond[-1] + 2) if place not in self.got)
            edges = self.origin + beyond[0], self.origin + last
            options = [("NOP", None), ("NOP", None), ("SAck", edges)]
        got = self.talk.ask(b"", "A", options=options)
        if self.chance.random() < 0.2:
            return
        acked = got[TCP].ack - self.base
        assert self.acked <= acked <= len(self.stream), "the server hears of what it never sent"
        self.acked = acked
        for edge in dict(got[TCP].options).get("SAck", ()):
            assert acked <= edge - self.base <= len(self.stream)


@pytest.mark.parametrize("kind", VIRTUALS)
@pytest.mark.parametrize("seed", range(3))
def test_a_stream_that_loses_packets(bed: Judged, kind: str, seed: int) -> None:
    """V62: greeting, reply and the rest arrive whole, however they were cut and sent again; twice over."""
    talk = Talk(bed, VIRTUALS[kind])
    lossy = Lossy(talk, random.Random(seed))
    wanted = GREETING
    lossy.transfer(GREETING)
    for turn in range(2):
        port = PORTS.popleft()
        talk.ask(b"PASV\r\n")
        reply = b"227 Entering Passive Mode (" + comma(talk.server, port) + b")\r\n"
        # The helper reads a reply that comes in one piece (G.1); all that follows may be cut anywhere.
        lossy.stream += reply
        talk.bed.server.put(talk.segment(reply, "PA", lossy.base + lossy.acked))
        talk.heard()  # lost
        lossy.transfer(b"150 Opening\r\n226 Done %d\r\n" % turn)
        wanted += reply.replace(comma(talk.server, port), comma(talk.virtual, port))
        wanted += b"150 Opening\r\n226 Done %d\r\n" % turn
        got = bytes(lossy.got[place] for place in range(len(wanted)))
        assert got == wanted
        bed.client.put(syn(CLIENT, PORTS.popleft(), talk.virtual, port))
        assert bed.server.ip().dst == talk.server
