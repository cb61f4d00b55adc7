from __future__ import annotations

import attrs
import pytest

from director.model.http import L7Service
from director.model.pools import Address, ServerTLS
from director.model.settings import Configuration, Settings
from director.model.tls import Certificate, ListenerTLS, acme_certificate


def test_values_are_frozen_and_can_be_keys() -> None:
    listener = ListenerTLS(("c",), (Address(port=443),))
    assert len({listener, attrs.evolve(listener), ServerTLS(), ServerTLS()}) == 2
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        listener.profile = "modern"  # type: ignore[misc]


def test_servers_are_verified_unless_it_is_said() -> None:
    assert ServerTLS().verify
    assert Certificate("c").file == ""


def test_certificates_of_acme_have_files_of_their_own() -> None:
    one, two = acme_certificate("acme a.example", "/s"), acme_certificate("acme a.example b.example", "/s")
    assert (one.acme, one.file) == (("a.example",), "/s/acme/a.example.pem")
    assert two.acme == ("a.example", "b.example")
    assert two.file.startswith("/s/acme/a.example-")
    assert two.file != acme_certificate("acme a.example c.example", "/s").file


def test_services_say_which_are_served() -> None:
    tls = ListenerTLS(("shop", "acme a.example"), ())
    services = (L7Service("x", (), pool="p", tls=tls), L7Service("y", (), pool="p", tls=tls))
    found = Configuration(
        settings=Settings(state_dir="/s"), certificates=(Certificate("shop"),), l7=services
    ).served_certificates
    assert [one.name for one in found] == ["shop", "acme a.example"]
