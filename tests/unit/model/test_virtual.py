from __future__ import annotations

from director.model import virtual


def test_virtual_services_are_written_as_in_the_configuration() -> None:
    assert str(virtual.Virtual(fwmark=1, family=6)) == "fwmark 1 inet6"
    assert str(virtual.Virtual("tcp", "2001:db8::1", 80)) == "tcp [2001:db8::1]:80"
