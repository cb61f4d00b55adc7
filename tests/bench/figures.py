"""What the kernel says of a program: processor time, resident memory; and what machine this is."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

PROC = Path("/proc")
ASK_PYTHON = """
import platform, sys
whose = "the distribution's" if sys.base_prefix == "/usr" else "a build of its own"
print(platform.python_implementation(), platform.python_version(), f"({platform.python_compiler()}, {whose})")
"""
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """The fields of proc(5) stat from the third on (the second may hold spaces)."""
    try:
        return (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def family(pid: int) -> list[int]:
    """A process and all below it."""
    parents = {int(each.name): _stat(int(each.name)) for each in PROC.iterdir() if each.name.isdigit()}
    found = [pid]
    for member in found:
        found += [child for child, fields in parents.items() if fields and int(fields[1]) == member]
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all below it, user and system."""
    fields = [_stat(each) for each in family(pid)]
    return sum(int(each[11]) + int(each[12]) for each in fields if each) / TICK


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all below it (what they share counts in each)."""
    fields = [_stat(each) for each in family(pid)]
    return sum(int(each[21]) for each in fields if each) * PAGE


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    except OSError:
        return "not there"
    return (done.stdout.splitlines() or ["silent"])[0].strip()


def _processor() -> str:
    for line in (PROC / "cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine(python: str, programs: dict[str, str]) -> dict[str, str]:
    """Where and when: a table of facts for the report.  `programs` maps names to paths."""
    words = {"haproxy": "-v", "nginx": "-v", "wrk": "-v"}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} x {_processor()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "interpreter": _first_line(python, "-c", ASK_PYTHON),
        **{name: _first_line(path, words[name]) for name, path in programs.items()},
    }
