"""The table of legal options in `lvs-semantics` I.1."""

from __future__ import annotations

import pytest

from director.cli.lvs.legality import LEGAL, NAMES, TUNNELS, lawful
from director.cli.lvs.popt import BadOptionError

WHERE = "the 'list' command"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"connection", "timeout"},
            f"The option 'timeout' conflicts with the 'connection' option in {WHERE}",
        ),
        ({"weight"}, f"Illegal 'weight' option with {WHERE}"),
    ],
)
def test_what_a_list_may_not_have(options: set[str], said: str) -> None:
    with pytest.raises(BadOptionError) as caught:
        lawful(options, LEGAL["list"], WHERE)
    assert (str(caught.value), caught.value.code) == (said, 2)


def test_what_is_wanting_is_told_first() -> None:
    with pytest.raises(BadOptionError, match="You need to supply the 'tun-port' option for gue"):
        lawful({"tun-type"}, TUNNELS["gue"], "gue", [name for name in NAMES if name.startswith("tun-")])


@pytest.mark.parametrize("command", ["add-service", "edit-service"])
def test_a_service_may_have_all_that_the_table_says(command: str) -> None:
    lawful(
        {"service-address", "scheduler", "persistent", "netmask", "ops", "pe", "sched-flags"},
        LEGAL[command],
        command,
    )
