from __future__ import annotations

import pytest

from director.cli.lvs.help import HELP, VERSION
from director.cli.lvs.ipvsadm import OPTIONS


def test_the_version_line_is_that_of_the_tool() -> None:
    """`lvs-semantics` I.2."""
    assert VERSION == "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)"


@pytest.mark.parametrize("option", [one for one in OPTIONS if one.long != "sort"], ids=lambda one: one.long)
def test_the_help_has_every_option(option: object) -> None:
    name = getattr(option, "long", "")
    assert f"--{name}" in HELP or name == "clear"
