"""Every table of states has rows for the same three directions (`lvs-semantics` D.2, D.4)."""

from __future__ import annotations

from director.l4.states import sctp, tcp
from director.l4.states.directions import INPUT, INPUT_ONLY, OUTPUT


def test_each_table_has_rows_for_each_direction() -> None:
    assert sorted((INPUT, OUTPUT, INPUT_ONLY)) == [0, 1, 2]
    for table in (tcp.NORMAL, tcp.SECURE, sctp.TABLE):
        assert len(table) == 3


def test_a_fin_of_the_client_waits_for_the_server_only_where_the_server_is_seen() -> None:
    """D.2: CLOSE_WAIT on a flow seen both ways, FIN_WAIT on one of which only the client is seen."""
    fins = [tcp.NORMAL[direction][tcp.FIN_EVENT][tcp.ESTABLISHED] for direction in (INPUT, INPUT_ONLY)]
    assert [tcp.NAMES[state] for state in fins] == ["CLOSE_WAIT", "FIN_WAIT"]
