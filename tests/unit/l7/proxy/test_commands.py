from __future__ import annotations

import pytest

from director.l7.proxy.commands import (
    ClientBytes,
    Command,
    Do,
    Event,
    Expired,
    Happened,
    Open,
    ServerBytes,
    ServerFailed,
    ToClient,
    ToServer,
)
from director.model.pools import Address

TARGET = Address("10.0.0.1", 80)


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (ClientBytes(b"a"), {"data": b"a"}),
        (ServerBytes(b"a"), {"data": b"a"}),
        (ServerFailed("refused"), {"reason": "refused"}),
        (Expired(client_stalls=True, server_stalls=False), {"client_stalls": True, "server_stalls": False}),
        (ToClient(b"a"), {"data": b"a"}),
        (ToServer(b"a"), {"data": b"a"}),
        (Open(TARGET, fresh=True, careful=False), {"target": TARGET, "fresh": True, "careful": False}),
    ],
)
def test_values_carry_what_they_were_made_of(value: Event | Command, content: dict[str, object]) -> None:
    assert {name: getattr(value, name) for name in content} == content
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("vocabulary", [Happened, Do])
def test_each_word_is_explained_once(vocabulary: type[Happened | Do]) -> None:
    assert len({one.value for one in vocabulary}) == len(vocabulary.__members__)
