"""What of `[l4]` cannot change while layer 4 runs."""

from __future__ import annotations

import pytest

from director.errors import ChangeRefused
from director.model.settings import Configuration
from director.model.virtual import L4Service, L4Settings, Virtual
from director.program.fixed import refuse_what_is_fixed
from tests.support.raising import nothing_raised

SERVICE = L4Service("dns", Virtual("udp", "192.0.2.53", 53), "dns")
BEGAN = L4Settings()


def wanted(settings: L4Settings | None, *services: L4Service) -> Configuration:
    return Configuration(l4=services, l4_settings=settings)


def test_tables_and_interfaces_are_as_at_the_start() -> None:
    for other in (L4Settings(interfaces=("eth0",)), L4Settings(max_flows=BEGAN.max_flows + 1)):
        with pytest.raises(ChangeRefused, match="read when layer 4 starts; restart to change them"):
            refuse_what_is_fixed(BEGAN, wanted(other, SERVICE))


def test_the_rest_may_change_and_all_where_nothing_is_served() -> None:
    with nothing_raised("all of it may change"):
        refuse_what_is_fixed(BEGAN, wanted(None, SERVICE))
        refuse_what_is_fixed(BEGAN, wanted(L4Settings(sloppy_tcp=True), SERVICE))
        refuse_what_is_fixed(BEGAN, wanted(L4Settings(interfaces=("eth0",))))
