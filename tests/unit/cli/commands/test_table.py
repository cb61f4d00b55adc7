from __future__ import annotations

from director.cli.commands.table import COMMANDS


def test_every_command_does_something_and_says_what() -> None:
    names = [one.name for one in COMMANDS]
    assert len(names) == len(set(names))
    for one in COMMANDS:
        assert one.text.endswith(".")
        assert (one.run is None) is bool(one.parts), one.name
        assert all(part.run is not None for part in one.parts)
