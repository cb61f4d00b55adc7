from __future__ import annotations

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, RemoteSettingsChanged
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

from director.l7.http2.frames import CONNECTION_WINDOW, STREAM_WINDOW, STREAMS, Frames


def test_what_a_client_is_offered() -> None:
    frames = Frames(1000)
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    events = client.receive_data(frames.begin())
    (found,) = [one for one in events if isinstance(one, RemoteSettingsChanged)]
    offered = {code: one.new_value for code, one in found.changed_settings.items()}
    assert offered[SettingCodes.MAX_CONCURRENT_STREAMS] == STREAMS
    assert offered[SettingCodes.INITIAL_WINDOW_SIZE] == STREAM_WINDOW
    assert offered[SettingCodes.MAX_HEADER_LIST_SIZE] == 1000
    assert offered[SettingCodes.ENABLE_CONNECT_PROTOCOL] == 1  # RFC 8441 3
    assert client.outbound_flow_control_window == CONNECTION_WINDOW


def test_a_goodbye_says_what_was_served() -> None:
    """RFC 9113 6.8: and it is not the end of what is open."""
    frames = Frames(1000)
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    client.receive_data(frames.begin())
    frames.receive(client.data_to_send() + GoAwayFrame(0, last_stream_id=0).serialize())
    client.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")])
    frames.receive(client.data_to_send())
    frames.highest = 1
    client.receive_data(frames.rest())
    (said,) = client.receive_data(frames.goaway(ErrorCodes.NO_ERROR, "bye"))
    assert isinstance(said, ConnectionTerminated)
    assert (said.last_stream_id, said.additional_data) == (1, b"bye")
    assert frames.head(1, [(b":status", b"200")], end=True)
