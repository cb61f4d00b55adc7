"""G.2 by its own words, and streams cut anew at every place, against plain replacement."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from director.l4.apps.sequence import Shift, acknowledge, after, distance
from director.l4.wire.parse import parse
from tests.support.layer4_world import right

WRAPS = 0xFFFFFFF0


def shift(*places: tuple[int, int, int]) -> Shift:
    """`places` are (sequence, old length, new length)."""
    made = Shift()
    for sequence, old, new in places:
        made.replaced(sequence, b"o" * old, b"n" * new)
    return made


def test_order_modulo_2_32() -> None:
    assert after(1, 0)
    assert after(0, 0xFFFFFFFF)
    assert not after(5, 5)
    assert not after(0xFFFFFFF0, 3)
    assert (distance(3, 0xFFFFFFF0), distance(0xFFFFFFF0, 3), distance(7, 7)) == (19, -19, 0)


def test_numbers_after_the_change_move_and_acknowledgements_move_back() -> None:
    one = shift()
    assert (one.forth(100), one.back(100)) == (100, 100)
    one = shift((1000, 10, 13))
    assert one.forth(1000) == 1000
    assert one.forth(1040) == 1043
    assert one.back(1043) == 1040
    assert one.back(1000) == 1000


def test_second_change_remembers_the_first() -> None:
    one = shift((1000, 10, 13), (2000, 10, 5))
    assert (one.previous, one.change) == (3, -2)
    assert one.forth(1500) == 1503
    assert one.forth(2100) == 2098
    assert one.back(1503) == 1500
    assert one.back(2098) == 2100


def test_same_place_again_changes_nothing() -> None:
    one = shift((1000, 10, 13), (1000, 10, 13), (900, 10, 13))
    assert (one.change, one.previous) == (3, 0)


def test_what_was_acknowledged_before_a_shorter_text_stays_so() -> None:
    """The text was lost, and an old acknowledgement comes: nothing of the text was received."""
    assert shift((1000, 20, 12)).back(1000) == 1000
    assert shift((1000, 20, 12)).back(1012) == 1020


@given(st.integers(0, 30), st.integers(1, 25), st.integers(1, 25), st.integers(0, 30), st.data())
def test_every_cut_of_the_stream_gives_the_replaced_stream(
    before: int, old: int, new: int, behind: int, data: st.DataObject
) -> None:
    """V62: sent again in other pieces; the receiver's acknowledgement never says more than it has."""
    base = data.draw(st.sampled_from([0, 1000, WRAPS]))
    whole = bytes(range(before)) + b"o" * old + bytes(range(100, 100 + behind))
    wanted = whole[:before] + b"n" * new + whole[before + old :]
    one = Shift()
    one.replaced(base + before, b"o" * old, b"n" * new)
    cuts = sorted({0, len(whole), *data.draw(st.lists(st.integers(0, len(whole)), max_size=5))})
    got = {}
    for first, last in itertools.pairwise(cuts):
        text = one.text(base + first & 0xFFFFFFFF, whole[first:last])
        at = distance(one.forth(base + first & 0xFFFFFFFF), base)
        assert wanted[at : at + len(text)] == text
        got.update({at + place: byte for place, byte in enumerate(text)})
    assert bytes(got[place] for place in range(len(wanted))) == wanted
    for received in range(len(wanted) + 1):
        said = distance(one.back(base + received & 0xFFFFFFFF), base)
        assert distance(one.forth(base + said & 0xFFFFFFFF), base) <= received
    assert one.back(base + len(wanted) & 0xFFFFFFFF) == base + len(whole) & 0xFFFFFFFF


@pytest.mark.parametrize("front", [[("NOP", None), ("NOP", None)], [("NOP", None)], [("Timestamp", (1, 2))]])
def test_selective_acknowledgements_move_back(front: list[tuple[str, object]]) -> None:
    """RFC 2018: both edges of every block, at even and odd places, checksum right."""
    options = [*front, ("SAck", (1043, 1100, 1200, 1300))]
    raw = Ether(src="02:00:00:00:00:01") / IP() / TCP(flags="A", ack=1000, options=options)
    packet = parse(bytearray(bytes(raw)))
    acknowledge(packet, shift((1000, 10, 13)))
    made = Ether(bytes(packet.frame))
    assert dict(made[TCP].options)["SAck"] == (1040, 1097, 1197, 1297)
    assert made[TCP].ack == 1000
    assert right(made)


@pytest.mark.parametrize("options", [b"\5\x0a", b"\5\1\0\0", b"\5\0", b"\2\xff\0\0", b"\0\5\x0a\0"])
def test_options_that_cannot_be_read_stay(options: bytes) -> None:
    raw = bytearray(
        bytes(Ether(src="02:00:00:00:00:01") / IP() / TCP(flags="A", ack=1000, dataofs=7)) + bytes(8)
    )
    raw[54:62] = options.ljust(8, b"\1")
    raw[16:18] = b"\0\x30"
    packet = parse(_signed(raw))
    acknowledge(packet, shift((1000, 10, 13)))
    assert bytes(packet.frame[54:62]) == options.ljust(8, b"\1")


def _signed(raw: bytearray) -> bytearray:
    """The IPv4 checksum anew, by scapy."""
    made = Ether(bytes(raw))
    del made[IP].chksum
    return bytearray(bytes(made))
