from __future__ import annotations

import attrs
import pytest

from director.model.pools import Address, ServerTLS
from director.model.tls import Certificate, ListenerTLS


def test_values_are_frozen_and_can_be_keys() -> None:
    listener = ListenerTLS(("c",), (Address(port=443),))
    assert len({listener, attrs.evolve(listener), ServerTLS(), ServerTLS()}) == 2
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        listener.profile = "modern"  # type: ignore[misc]


def test_servers_are_verified_unless_it_is_said() -> None:
    assert ServerTLS().verify
    assert Certificate("c").file == ""
