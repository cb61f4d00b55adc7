from __future__ import annotations

import os
import sys

import pytest

from director.demo import netns
from director.errors import DirectorError


def test_names_are_unique_per_run() -> None:
    assert netns.Namespaces("lab").tag != netns.Namespaces("lab").tag
    made = netns.Namespaces("lab")
    assert made.name("client") == f"{made.tag}-client"


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo" in netns.lacking()


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(DirectorError, match="exit 3: no luck"):
        netns.command([sys.executable, "-c", "import sys; sys.stderr.write('no luck'); sys.exit(3)"])


def test_a_command_that_is_not_there_says_so() -> None:
    with pytest.raises(DirectorError, match="no-such-command"):
        netns.command(["/no-such-command"])


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(DirectorError, match="timed out"):
        netns.command([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2)


def test_closing_twice_is_no_error() -> None:
    made = netns.Namespaces("lab")
    made.close()
    made.close()
    assert made.ended() == ""
