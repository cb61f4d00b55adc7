"""All 264 cells against part D.2, parsed on its own."""

from __future__ import annotations

import pytest

from director.l4.states import tcp
from director.l4.states.directions import INPUT, INPUT_ONLY, OUTPUT
from tests.support.tcp_tables import D1, D2

FLAGS = {"syn": 2, "fin": 1, "ack": 16, "rst": 4}


def cells() -> list[tuple[str, str, str, str, str]]:
    found, kind, direction = [], "", ""
    columns: list[str] = []
    for line in D2.splitlines():
        words = line.split()
        if words and words[0] in ("NORMAL", "SECURE"):
            kind, columns = words[0], words[1:]
            continue
        if len(words) == 13:
            direction, words = words[0], words[1:]
        for column, new in zip(columns, words[1:], strict=bool(words)):
            found.append((kind, direction, words[0], column, new))
    return found


CELLS = cells()


def test_transcript_has_all_cells() -> None:
    assert len(CELLS) == len(set(CELLS)) == 264


@pytest.mark.parametrize(("kind", "direction", "event", "old", "new"), CELLS)
def test_cell(kind: str, direction: str, event: str, old: str, new: str) -> None:
    rows = {"NORMAL": tcp.NORMAL, "SECURE": tcp.SECURE}[kind]
    row = rows[{"INPUT": INPUT, "OUTPUT": OUTPUT, "INPUT-ONLY": INPUT_ONLY}[direction]]
    state = row[tcp.EVENTS[FLAGS[event]]][tcp.NAMES.index(D1[old][0])]
    assert tcp.NAMES[state] == D1[new][0]


def test_first_event_that_applies_counts() -> None:
    assert tcp.EVENTS[0x3F] == tcp.RST_EVENT
    assert tcp.EVENTS[0x13] == tcp.SYN_EVENT
    assert tcp.EVENTS[0x11] == tcp.FIN_EVENT
    assert tcp.EVENTS[0x18] == tcp.ACK_EVENT


def test_packet_without_flags_closes_from_everywhere() -> None:
    for rows in (*tcp.NORMAL, *tcp.SECURE):
        assert set(rows[tcp.EVENTS[0x28]]) == {tcp.CLOSE}


@pytest.mark.parametrize(("name", "seconds"), D1.values())
def test_timeout(name: str, seconds: int) -> None:
    assert tcp.TIMEOUTS[tcp.NAMES.index(name)] == seconds


def test_set_changes_two_and_zero_keeps() -> None:
    assert tcp.timeouts(tcp=100)[tcp.ESTABLISHED] == 100
    assert tcp.timeouts(fin=7)[tcp.FIN_WAIT] == 7
    assert tcp.timeouts() == tcp.TIMEOUTS
