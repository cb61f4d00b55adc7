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


def test_whatever_concerns_a_table_is_told() -> None:
    """NFT_MSG_ NEWTABLE, DELTABLE, DELCHAIN, NEWRULE, DELRULE, DELSETELEM: the kinds of damage."""
    kinds = (NEW, DELETED, 0x0A05, NEW_RULE, 0x0A08, 0x0A0E)
    data = b"".join(message(kind, "director-edge") for kind in kinds) + message(DELETED, "filter")
    assert list(told(data)) == ["director-edge"] * len(kinds) + ["filter"]


def test_other_families_and_other_subsystems_are_nothing() -> None:
    conntrack = 0x0100
    data = message(DELETED, "director-edge", family=2) + message(conntrack, "director-edge")
    assert list(told(data)) == []


def test_cut_off_messages_are_nothing() -> None:
    whole = message(DELETED, "director-edge")
    for size in range(len(whole)):
        assert [name for name in told(whole[:size]) if name != "director-edge"[: len(name)]] == []
    broken = bytes((NETDEV, 0, 0, 0)) + struct.pack("=HH", 2, 9)
    assert list(told(struct.pack("=IHHII", 16 + len(broken), DELETED, 0, 7, 0) + broken)) == []
