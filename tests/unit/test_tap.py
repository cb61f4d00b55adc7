"""`twistd director`: options, and a start that fails in one clear line with a status that is not 0."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from twisted.application.service import Service

from director import tap
from director.tap import Options

ROOT = Path(__file__).parents[2]
INI = """
[director]
state_dir = {state}

[l7:www]
listen = 127.0.0.1:{port}
pool = web

[pool:web]
server.a = 127.0.0.1:9
"""


def start(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run a director that must end by itself."""
    (folder / "director.ini").write_text(text)
    twistd = Path(sys.executable).with_name("twistd")
    return subprocess.run(
        [twistd, "-n", "--pidfile=", "director", "-c", "director.ini"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_options_have_the_shipped_file_as_default() -> None:
    options = Options()
    options.parseOptions(["--stock-reactor"])
    assert options["config"] == "etc/director.ini"
    options.parseOptions(["--stock-reactor", "-c", "/x.ini"])
    assert options["config"] == "/x.ini"


def test_the_module_does_not_choose_a_reactor_by_being_imported() -> None:
    script = "import sys, director.tap; sys.exit('twisted.internet.reactor' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0


def test_a_configuration_with_errors_is_shown_with_all_of_them(tmp_path: Path) -> None:
    ran = start(tmp_path, INI.format(state=tmp_path, port=1) + "wieght = 1\nserver.b = nonsense:x\n")
    assert ran.returncode == 1
    assert "wieght" in ran.stderr
    assert "nonsense:x" in ran.stderr
    assert "director.ini has errors; nothing was started" in ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    ran = start(tmp_path, "include = none/none.ini\n")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr + ran.stdout


def test_no_memory_for_the_counts_of_several_processes_is_one_line(tmp_path: Path) -> None:
    """They stand in a file without a name, so a limit on files (`ulimit -f`) is met, too."""
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); "
    (tmp_path / "director.ini").write_text(
        INI.format(state=tmp_path / "var", port=9).replace("[director]", "[director]\nworkers = 2")
    )
    run = limited + "from twisted.scripts.twistd import run; run()"
    words = [sys.executable, "-c", run, "-n", "--pidfile=", "director", "-c", "director.ini"]
    ended = subprocess.run(
        words,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "no memory for the counts of 4 processes" in ended.stderr
    assert "set workers = 0" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = start(tmp_path, INI.format(state=tmp_path / "var", port=port))
    assert ran.returncode == 1
    (line,) = [line for line in ran.stderr.splitlines() if "cannot start" in line]
    assert f"cannot listen on 127.0.0.1:{port}: the address is in use; stop the other program" in line
    assert "Traceback" not in ran.stderr + ran.stdout


@pytest.mark.parametrize(
    ("words", "owner"),
    [
        ({}, None),
        ({"uid": None, "gid": None}, None),
        ({"uid": 7, "gid": None}, (7, -1)),
        ({"uid": 7, "gid": 8}, (7, 8)),
    ],
)
def test_who_the_process_will_be(words: dict[str, int | None], owner: tuple[int, int] | None) -> None:
    assert tap._owner(words) == owner
    assert tap._owner(None) is None


@pytest.mark.parametrize("runner", ["twistd", "twist"])
def test_both_of_twisteds_runners_prepare_before_they_start(runner: str) -> None:
    """`python -m twisted director` knows no privileged start."""
    asked: list[str] = []

    class Inner(Service):
        def privilegedStartService(self) -> None:
            asked.append("prepare")

        def startService(self) -> None:
            asked.append("start")

    service = tap._Guarded(Inner())
    if runner == "twistd":
        service.privilegedStartService()
    service.startService()
    assert asked == ["prepare", "start"]
