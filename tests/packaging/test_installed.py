"""The wheel and the sdist work away from the checkout: contents, commands, and the shipped configuration."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging.conftest import ROOT, run

SHARE = Path("share") / "director" / "etc"
LISTED = re.compile(r"^\s+director\s", re.MULTILINE)
PORT = re.compile(r"(?<=:)(\d{4,5})\b")
LIST_SCRIPTS = """
from importlib.metadata import distribution
print(*(each.name for each in distribution("director").entry_points))
"""

needs_program = pytest.mark.skipif(
    not (ROOT / "director" / "tap.py").exists(), reason="director/tap.py is not there yet"
)
needs_ini = pytest.mark.skipif(
    not (ROOT / "etc" / "director.ini").exists(), reason="etc/director.ini is not there yet"
)


def test_the_wheel_holds_the_whole_package(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    files = [*(ROOT / "director").rglob("*"), *(ROOT / "twisted" / "plugins").glob("*.py")]
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert not sorted(wanted - names)


def test_the_wheel_holds_the_shipped_configuration(wheel: Path) -> None:
    names = {name.partition(".data/data/")[2] for name in ZipFile(wheel).namelist()}
    etc = [path.relative_to(ROOT / "etc") for path in (ROOT / "etc").rglob("*") if path.is_file()]
    assert not [path for path in etc if (SHARE / path).as_posix() not in names]


def test_the_wheel_leaves_twisted_alone(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    assert "twisted/__init__.py" not in names
    assert "twisted/plugins/__init__.py" not in names
    foreign = {name for name in names if not re.match(r"director/|director-|twisted/plugins/director_", name)}
    assert not foreign


def test_the_sdist_can_be_tested(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "Makefile",
        "setup.cfg",
        "pyproject.toml",
        "tests/conftest.py",
        "docs/conf.py",
        ".ci/run",
    } <= names


@pytest.mark.slow
def test_twistd_lists_the_director(installed: Path, tmp_path: Path) -> None:
    assert LISTED.search(run(installed / "bin" / "twistd", "--help", cwd=tmp_path))


@pytest.mark.slow
@needs_program
def test_twistd_explains_the_director(installed: Path, tmp_path: Path) -> None:
    assert "--config" in run(installed / "bin" / "twistd", "director", "--help", cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "director" / "cli").exists(), reason="director/cli is not there yet")
def test_each_console_script_starts(installed: Path, tmp_path: Path) -> None:
    scripts = run(installed / "bin" / "python", "-c", LIST_SCRIPTS, cwd=tmp_path).split()
    assert "director" in scripts
    for script in scripts:
        run(installed / "bin" / script, "--help", cwd=tmp_path)


def _with_free_ports(ini: Path) -> dict[int, int]:
    """Give each port the file names another one that is free just now; which became which."""
    text = ini.read_text(encoding="utf-8")
    ports = {int(port) for port in PORT.findall(text)}
    held = [socket.create_server(("127.0.0.1", 0)) for _ in ports]
    free = dict(zip(sorted(ports), (each.getsockname()[1] for each in held), strict=True))
    for each in held:
        each.close()
    ini.write_text(PORT.sub(lambda found: str(free[int(found[1])]), text), encoding="utf-8")
    return free


def _status(port: int, target: str) -> int | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", target)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _wait(port: int, target: str, program: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while _status(port, target) != 200:
        if program.poll() is not None or time.monotonic() > end:
            pytest.fail(f"no 200 from port {port}{target}:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)


@pytest.mark.slow
@needs_program
@needs_ini
def test_the_shipped_configuration_runs_as_installed(installed: Path, tmp_path: Path) -> None:
    """The file as the wheel brought it, with other ports, because those it names may be in use here."""
    shutil.copytree(installed / SHARE, tmp_path / "etc")
    ini = tmp_path / "etc" / "director.ini"
    ports = _with_free_ports(ini)
    log = tmp_path / "log"
    with log.open("wb") as output:
        program = subprocess.Popen(
            [installed / "bin" / "twistd", "--nodaemon", "--pidfile=", "director", "-c", ini],
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(ports[8080], "/", program, log)
            _wait(ports[8404], "/readyz", program, log)
            program.send_signal(signal.SIGTERM)
            assert program.wait(timeout=20) == 0, log.read_text(errors="replace")
        finally:
            program.kill()
            program.wait()
    said = log.read_text(errors="replace")
    assert "Traceback" not in said
    assert said.endswith("info: stopped\n")


def test_this_environment_finds_the_plug_in(tmp_path: Path) -> None:
    """An editable installation in setuptools' default mode would hide it."""
    twistd = Path(sys.executable).parent / "twistd"
    probe = [sys.executable, "-c", "import director"]
    if subprocess.run(probe, cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("the director is not installed in this environment; `make test` makes one where it is")
    assert LISTED.search(run(twistd, "--help", cwd=tmp_path))
