from __future__ import annotations

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RemoteSettingsChanged, WindowUpdated
from h2.settings import SettingCodes

from director.l7.http2.upstream import CONNECTION_WINDOW, STREAM_WINDOW, STREAMS, Upstream

GET = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"a"), (b":path", b"/")]
OK = [(":status", "200")]


class Both:
    """Our side, and a server."""

    def __init__(self, **settings: int) -> None:
        self.ours = Upstream()
        self.server = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.server.initiate_connection()
        if settings:
            self.server.update_settings({SettingCodes[name]: value for name, value in settings.items()})
        self.greeting = self.server.receive_data(self.ours.begin())
        self.flush()

    def flush(self) -> None:
        self.ours.receive(self.server.data_to_send())
        self.server.receive_data(self.ours.rest())

    def ask(self) -> int:
        number, octets = self.ours.request(GET, end=True)
        self.server.receive_data(octets)
        return number


def test_what_a_server_is_told_first() -> None:
    both = Both()
    (found,) = [one for one in both.greeting if isinstance(one, RemoteSettingsChanged)]
    told = {code: one.new_value for code, one in found.changed_settings.items()}
    assert told[SettingCodes.ENABLE_PUSH] == 0
    assert told[SettingCodes.INITIAL_WINDOW_SIZE] == STREAM_WINDOW
    assert both.server.outbound_flow_control_window == CONNECTION_WINDOW


@pytest.mark.parametrize(("allowed", "room"), [(10, 10), (0, 0), (100_000, STREAMS)])
def test_how_many_at_a_time(allowed: int, room: int) -> None:
    both = Both(MAX_CONCURRENT_STREAMS=allowed)
    assert both.ours.room == room
    numbers = [both.ask() for _ in range(min(room, 10))]
    assert numbers == [1 + 2 * number for number in range(min(room, 10))]
    if allowed <= 10:
        assert both.ours.request(GET, end=True) == (0, b"")


def test_a_response_that_nobody_takes_fills_its_own_window_alone() -> None:
    """And another's octets come, because the connection's window is given back at once."""
    both = Both()
    slow, quick = both.ask(), both.ask()
    both.server.send_headers(slow, OK)
    both.server.send_headers(quick, OK)
    sent = 0
    while (room := both.server.local_flow_control_window(slow)) > 0:
        both.server.send_data(slow, b"x" * min(room, 16384))
        sent += min(room, 16384)
        both.ours.came(min(room, 16384))
        both.flush()
    assert sent == STREAM_WINDOW
    for _ in range(2 * CONNECTION_WINDOW // 16384):
        both.server.send_data(quick, b"y" * 16384)
        both.ours.receive(both.server.data_to_send())
        both.ours.came(16384)
        both.server.receive_data(both.ours.taken(quick, 16384) + both.ours.rest())
    assert both.server.local_flow_control_window(slow) == 0
    both.server.receive_data(both.ours.taken(slow, STREAM_WINDOW))
    assert both.server.local_flow_control_window(slow) == STREAM_WINDOW


def test_windows_are_given_back_in_halves() -> None:
    """Not frame by frame, which would be as many frames again."""
    both = Both()
    number = both.ask()
    both.server.send_headers(number, OK)
    updates = []
    for _ in range(2 * STREAM_WINDOW // 16384):
        both.server.send_data(number, b"x" * 16384)
        both.flush()
        updates += both.server.receive_data(both.ours.taken(number, 16384))
    assert [one.delta for one in updates if isinstance(one, WindowUpdated)] == [STREAM_WINDOW // 2] * 4


def test_a_body_waits_while_the_socket_is_shut() -> None:
    both = Both()
    number, octets = both.ours.request([(b":method", b"POST"), *GET[1:]], end=False)
    both.ours.shut = True
    assert both.ours.data(number, b"x" * 1000, end=True) == b""
    assert both.ours.queued(number) == 1000
    both.ours.shut = False
    events = both.server.receive_data(octets + both.ours.pump())
    assert sum(len(getattr(one, "data", b"")) for one in events) == 1000
    assert both.ours.queued(number) == 0


def test_a_stream_that_is_over_takes_nothing() -> None:
    both = Both()
    number = both.ask()
    both.ours.over(number)
    both.server.reset_stream(number)
    both.flush()
    assert both.ours.taken(number, STREAM_WINDOW) == b""
    assert both.ours.goaway(why="bye").endswith(b"bye")
