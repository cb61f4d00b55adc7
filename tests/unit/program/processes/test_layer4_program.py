"""Layer 4 as a program of its own: left alone it serves on, and hands over to the next one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from director.program.layer4 import Layer4
from director.program.processes import layer4_program
from director.program.processes.layer4_program import Layer4Program
from tests.support.crews import NOTHING, Crews, crews
from tests.unit.program.processes.test_layer4_apart import INI, READY


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crews]:
    monkeypatch.setattr(layer4_program, "Layer4", partial(Layer4, shell=READY))
    with crews(tmp_path, 9, monkeypatch, listen=NOTHING, more=INI) as made:
        yield made


def test_it_has_an_answer_for_each_word() -> None:
    assert all(callable(getattr(Layer4Program, f"_{word}")) for word in Layer4Program.words)


def test_left_alone_it_serves_on_and_hands_over_what_the_kernel_has(program: Crews) -> None:
    one = program.one(0, program.layer4)
    inside: Any = one.program
    shell = inside._layer4.shell
    one.channel.close()
    state_dir = Path(program.current.candidate.require().settings.state_dir)
    program.loop.turn(lambda: list(state_dir.glob("layer4-*.sock")))
    [path] = state_dir.glob("layer4-*.sock")
    assert (shell.stopped, shell.handed_over) == (0, False)
    with socket.socket(socket.AF_UNIX) as heir:
        heir.connect(str(path))
        heir.sendall(b"retire 5\n")
        program.loop.turn(lambda: inside.reactor.stopped)
    assert (shell.stopped, shell.handed_over) == (0, True)
