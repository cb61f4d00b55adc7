from __future__ import annotations

import re

from director.cli.lvs.tcpvs import help as said
from director.cli.lvs.tcpvs.arguments import COMMANDS, OPTIONS


def test_help_names_every_command_and_option() -> None:
    named = set(re.findall(r"--([a-z-]+)", said.HELP))
    assert named == {one.long for one in (*COMMANDS, *OPTIONS)}
    assert "0.0.18" in said.VERSION
