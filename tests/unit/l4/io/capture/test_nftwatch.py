"""The messages are as `nft monitor` shows them: nf_tables.h, nfnetlink.h."""

from __future__ import annotations

import struct

from director.l4.io.capture.nftwatch import NETDEV, told

NEW, DELETED, NEW_RULE = 0x0A00, 0x0A02, 0x0A06


def message(kind: int, name: str, family: int = NETDEV) -> bytes:
    value = name.encode() + b"\0"
    # NFTA_TABLE_FLAGS (2) before NFTA_TABLE_NAME (1): order is not promised.
    attributes = struct.pack("=HHI", 8, 2, 0) + struct.pack("=HH", 4 + len(value), 1) + value
    attributes += bytes(-len(attributes) % 4)
    payload = bytes((family, 0, 0, 0)) + attributes
    return struct.pack("=IHHII", 16 + len(payload), kind, 0, 7, 0) + payload


def test_tables_come_and_go() -> None:
    data = message(DELETED, "director-edge") + message(NEW, "director-edge") + message(DELETED, "filter")
    assert list(told(data)) == [("director-edge", False), ("director-edge", True), ("filter", False)]


def test_other_families_and_other_messages_are_nothing() -> None:
    assert list(told(message(DELETED, "director-edge", family=2) + message(NEW_RULE, "director-edge"))) == []


def test_cut_off_messages_are_nothing() -> None:
    whole = message(DELETED, "director-edge")
    for size in range(len(whole)):
        assert [name for name, _ in told(whole[:size]) if name != "director-edge"[: len(name)]] == []
    broken = bytes((NETDEV, 0, 0, 0)) + struct.pack("=HH", 2, 9)
    assert list(told(struct.pack("=IHHII", 16 + len(broken), DELETED, 0, 7, 0) + broken)) == []
