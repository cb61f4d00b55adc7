"""What single streams do to each other; whole connections are tried in `test_multiplexed`."""

from __future__ import annotations

from h2 import events as h2events
from h2.errors import ErrorCodes

from tests.unit.l7.proxy.test_multiplexed import OK, POST, Talk


def test_a_body_that_nobody_wants_is_ended_behind_its_response() -> None:
    """RFC 9113 8.1: RST_STREAM with NO_ERROR, and the response stays whole."""
    talk = Talk()
    stream = talk.ask(POST, b"x", end=False)
    talk.ready(stream)
    talk.served(stream, OK)
    assert talk.body(stream) == b"hi"
    (reset,) = talk.of(h2events.StreamReset, stream)
    assert reset.error_code == ErrorCodes.NO_ERROR


def test_octets_of_streams_that_are_over_go_back_to_the_connections_window() -> None:
    talk = Talk()
    for _ in range(80):
        stream = talk.ask(POST, b"y" * 16000, end=True)
        talk.ready(stream)
        talk.served(stream, OK)
    assert talk.door.exchanges == {}
    assert talk.client.outbound_flow_control_window > 500_000
