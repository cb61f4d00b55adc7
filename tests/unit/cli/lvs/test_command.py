"""Statuses and words of `lvs-semantics` I.2."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest

from director.cli.lvs.command import run
from director.cli.lvs.table import IpvsService
from director.model.virtual import Virtual
from tests.support.lvs_table import RecordingTable

HINT = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n"


def call(table: RecordingTable, line: str, lines: Iterable[str] = ()) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = run(line.split(), table, lines, out, err)
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("-A -t 192.0.2.1:80", "EEXIST", "Service already exists"),
        ("-A -t 192.0.2.1:80 -s x", "ENOENT", "Scheduler or persistence engine not found"),
        ("-D -t 192.0.2.1:80", "ESRCH", "No such service"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.1", "ESRCH", "Service not defined"),
        ("-a -t 192.0.2.1:80 -r 10.0.0.1", "EEXIST", "Destination already exists"),
        ("-e -t 192.0.2.1:80 -r 10.0.0.1", "ENOENT", "No such destination"),
        ("-d -t 192.0.2.1:80 -r 10.0.0.1", "ENOENT", "No such destination"),
        ("--stop-daemon master", "ESRCH", "No daemon is running"),
        ("-C", "EPERM", "Permission denied (you must be root)"),
    ],
)
def test_the_kernels_refusals(line: str, code: str, text: str) -> None:
    table = RecordingTable()
    table.refuse = code
    assert call(table, line) == (255, "", f"{text}\n")


def test_a_list_that_fails_ends_with_1() -> None:
    table = RecordingTable()
    table.refuse = "EPERM"
    assert call(table, "-L")[0] == 1


def test_restore_reads_every_line_and_ends_as_the_last_one() -> None:
    table = RecordingTable()
    lines = [
        "# saved\n",
        "\n",
        "ipvsadm -A -t 192.0.2.1:80 -s rr\n",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m\n",
    ]
    assert call(table, "-R", lines) == (0, "", "")
    assert [name for name, _ in table.calls] == ["add_service", "add_destination"]
    assert call(table, "-R", ["-A -t 192.0.2.1:80 -w 1\n", "-C\n"])[0] == 2
    assert len(table.calls) == 2, "an option error ends it at once"
    assert call(table, "-R", ["-R\n"]) == (255, "", HINT)


def test_a_full_listing_has_the_version_and_one_service_has_not() -> None:
    table = RecordingTable((IpvsService(Virtual("tcp", "192.0.2.1", 80)),))
    assert call(table, "-Ln")[1].splitlines()[0] == "IP Virtual Server version 1.2.1 (size=4096)"
    assert call(table, "-Ln -t 192.0.2.1:80")[1].splitlines()[0] == "Prot LocalAddress:Port Scheduler Flags"
    assert call(table, "-Ln -t 192.0.2.9:80") == (1, "", "No such service\n")
