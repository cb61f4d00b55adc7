"""Whose datagrams are taken, and as which version (`lvs-semantics` J.5, row V76)."""

from __future__ import annotations

import pytest

from director.errors import PacketError
from director.sync import message, version0, version1
from tests.unit.sync.test_version0 import OCTETS as OLD
from tests.unit.sync.test_version0 import ONE
from tests.unit.sync.test_version1 import V4, V4_OCTETS


def read(text: bytes, syncid: int = 0) -> list[object]:
    return list(message.read(text, syncid))


def test_both_versions() -> None:
    assert read(version1.message([V4_OCTETS], 5)) == [V4]
    assert read(version0.message([OLD], 5)) == [ONE]
    assert read(version0.message([], 0)) == [], "four octets, and nothing in them"


def test_the_id_must_be_the_backups_unless_that_is_0() -> None:
    for text in (version1.message([V4_OCTETS], 5), version0.message([OLD], 5)):
        assert read(text, 5)
        assert read(text, 0)
        with pytest.raises(PacketError, match="sync_id"):
            read(text, 6)


@pytest.mark.parametrize("change", [-1, 1])
def test_the_size_must_be_the_datagrams(change: int) -> None:
    text = version1.message([V4_OCTETS], 5)
    text = text[:change] if change < 0 else text + b"\0"
    with pytest.raises(PacketError, match="sync_size"):
        read(text)


@pytest.mark.parametrize("text", [b"", b"\0\0\0"])
def test_what_has_no_header(text: bytes) -> None:
    with pytest.raises(PacketError, match="sync_truncated"):
        read(text)


@pytest.mark.parametrize("at", [5, 6, 7])
def test_another_version_or_a_spare_in_use_is_read_as_version_0(at: int) -> None:
    """Which counts no records in the first octet."""
    text = bytearray(version1.message([V4_OCTETS], 5))
    text[at] = 2
    assert read(bytes(text)) == []
