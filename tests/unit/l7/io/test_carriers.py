"""Which connection a request goes to."""

from __future__ import annotations

import pytest

from director.l7.http2.upstream import STREAMS
from tests.unit.l7.io.test_carrier import Bed


@pytest.mark.parametrize(("allowed", "connections"), [(3, 4), (1000, 1)])
def test_more_than_a_server_allows_go_on_another(allowed: int, connections: int) -> None:
    bed = Bed(MAX_CONCURRENT_STREAMS=allowed)
    for _ in range(10):
        bed.ask()
    assert len(bed.sides) == connections


def test_no_more_than_a_bound_share_a_fate() -> None:
    bed = Bed(MAX_CONCURRENT_STREAMS=100_000)
    for _ in range(STREAMS + 1):
        bed.ask()
    assert len(bed.sides) == 2


def test_who_needs_proof_gets_no_connection_that_has_ended() -> None:
    bed = Bed()
    bed.ask()
    bed.sides[0].stream.closed = True
    bed.ask(careful=True)
    assert len(bed.sides) == 2


def test_a_retry_has_a_connection_of_its_own() -> None:
    bed = Bed()
    bed.ask()
    bed.ask(fresh=True)
    assert len(bed.sides) == 2
    bed.ask()
    assert len(bed.sides) == 2


def test_a_connection_that_tells_of_a_client_is_its_own() -> None:
    bed = Bed(header=b"PROXY")
    client, stream = bed.ask()
    bed.ask()
    assert len(bed.sides) == 2
    bed.answer(stream, b"hi", number=0)
    assert b"hi" in client.data
    stream.spent(bed.time)
    assert bed.dropped == bed.sides[:1]
