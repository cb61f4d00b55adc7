"""Sizes and refusals (`lvs-semantics` J.1); what goes over the wire is seen in namespaces."""

from __future__ import annotations

import pytest

from director.model.virtual import SyncDaemon
from director.sync.io import sockets


@pytest.mark.parametrize(
    ("daemon", "octets"),
    [
        (SyncDaemon("eth0"), 1500 - 28),
        (SyncDaemon("eth0", group="ff02::81"), 1500 - 48),
        (SyncDaemon("eth0", maxlen=1), 1),
        (SyncDaemon("eth0", maxlen=65507), 65535 - 28),
        (SyncDaemon("eth0", group="ff02::81", maxlen=65507), 65535 - 48),
    ],
)
def test_how_long_a_message_may_be(daemon: SyncDaemon, octets: int) -> None:
    assert sockets.room(daemon) == octets


@pytest.mark.parametrize("opening", [sockets.sender, sockets.receiver])
def test_an_interface_that_is_not_there(opening: object) -> None:
    with pytest.raises(OSError, match="no interface"):
        opening(SyncDaemon("no-such-device"), 0)  # type: ignore[operator]
