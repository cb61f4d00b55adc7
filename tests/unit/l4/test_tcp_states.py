"""All 264 cells against part D.2, copied here as text and parsed on its own."""

from __future__ import annotations

import pytest

from director.l4 import tcp_states as tcp

TRANSCRIPT = """
NORMAL          NO ES SS SR FW TW CL CW LA LI SA
INPUT      syn  SR ES ES SR SR SR SR SR SR SR SR
           fin  CL CW SS TW TW TW CL CW LA LI TW
           ack  ES ES SS ES FW TW CL CW CL LI ES
           rst  CL CL CL SR CL CL CL CL LA LI SR
OUTPUT     syn  SS ES SS SR SS SS SS SS SS LI SR
           fin  TW FW SS TW FW TW CL TW LA LI TW
           ack  ES ES SS ES FW TW CL CW LA ES ES
           rst  CL CL SS CL CL TW CL CL CL CL CL
INPUT-ONLY syn  SR ES ES SR SR SR SR SR SR SR SR
           fin  CL FW SS TW FW TW CL CW LA LI TW
           ack  ES ES SS ES FW TW CL CW CL LI ES
           rst  CL CL CL SR CL CL CL CL LA LI CL

SECURE          NO ES SS SR FW TW CL CW LA LI SA
INPUT      syn  SR ES ES SR SR SR SR SR SR SR SA
           fin  CL CW SS TW TW TW CL CW LA LI SA
           ack  ES ES SS SR FW TW CL CW CL LI SA
           rst  CL CL CL SR CL CL CL CL LA LI CL
OUTPUT     syn  SS ES SS SA SS SS SS SS SS LI SA
           fin  TW FW SS TW FW TW CL TW LA LI TW
           ack  ES ES SS ES FW TW CL CW LA ES ES
           rst  CL CL SS CL CL TW CL CL CL CL CL
INPUT-ONLY syn  SA ES ES SR SA SA SA SA SA SA SA
           fin  CL FW SS TW FW TW CL CW LA LI TW
           ack  ES ES SS ES FW TW CL CW CL LI ES
           rst  CL CL CL SR CL CL CL CL LA LI CL
"""
STATES = {
    "NO": "NONE", "ES": "ESTABLISHED", "SS": "SYN_SENT", "SR": "SYN_RECV", "FW": "FIN_WAIT",
    "TW": "TIME_WAIT", "CL": "CLOSE", "CW": "CLOSE_WAIT", "LA": "LAST_ACK", "LI": "LISTEN", "SA": "SYNACK",
}  # fmt: skip
FLAGS = {"syn": 2, "fin": 1, "ack": 16, "rst": 4}
SECONDS = {
    "NONE": 2, "ESTABLISHED": 900, "SYN_SENT": 120, "SYN_RECV": 60, "FIN_WAIT": 120, "TIME_WAIT": 120,
    "CLOSE": 10, "CLOSE_WAIT": 60, "LAST_ACK": 30, "LISTEN": 120, "SYNACK": 120,
}  # fmt: skip


def cells() -> list[tuple[str, str, str, str, str]]:
    found, kind, direction = [], "", ""
    columns: list[str] = []
    for line in TRANSCRIPT.splitlines():
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
    row = rows[{"INPUT": tcp.INPUT, "OUTPUT": tcp.OUTPUT, "INPUT-ONLY": tcp.INPUT_ONLY}[direction]]
    state = row[tcp.EVENTS[FLAGS[event]]][tcp.NAMES.index(STATES[old])]
    assert tcp.NAMES[state] == STATES[new]


def test_first_event_that_applies_counts() -> None:
    assert tcp.EVENTS[0x3F] == tcp.RST_EVENT
    assert tcp.EVENTS[0x13] == tcp.SYN_EVENT
    assert tcp.EVENTS[0x11] == tcp.FIN_EVENT
    assert tcp.EVENTS[0x18] == tcp.ACK_EVENT


def test_packet_without_flags_closes_from_everywhere() -> None:
    for rows in (*tcp.NORMAL, *tcp.SECURE):
        assert set(rows[tcp.EVENTS[0x28]]) == {tcp.CLOSE}


@pytest.mark.parametrize("name", SECONDS)
def test_timeout(name: str) -> None:
    assert tcp.TIMEOUTS[tcp.NAMES.index(name)] == SECONDS[name]


def test_set_changes_two_and_zero_keeps() -> None:
    assert tcp.timeouts(tcp=100)[tcp.ESTABLISHED] == 100
    assert tcp.timeouts(fin=7)[tcp.FIN_WAIT] == 7
    assert tcp.timeouts() == tcp.TIMEOUTS
