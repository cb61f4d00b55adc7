"""`ipvsadm` from arguments to exit status, over any `Table`.

The words of errors and the statuses are the tool's own (`lvs-semantics` I.2): 2 for wrong options, 255 for
what the kernel refuses and for usage, 1 when nothing can be listed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TextIO

from director.cli.lvs import listing, saving
from director.cli.lvs.help import HELP, VERSION
from director.cli.lvs.ipvsadm import HINT, Order, parse
from director.cli.lvs.popt import BadOptionError
from director.cli.lvs.table import IpvsTable, KernelError

REFUSED, UNLISTED = 255, 1

_SERVICES = frozenset({"edit-service", "delete-service", "zero", "list", "save"})
_SERVERS = frozenset({"add-server", "edit-server", "delete-server"})
MEANINGS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("EEXIST", frozenset({"add-service"}), "Service already exists"),
    ("EEXIST", frozenset({"add-server"}), "Destination already exists"),
    ("EEXIST", frozenset({"start-daemon"}), "Daemon has already run"),
    ("ENOENT", frozenset({"add-service", "edit-service"}), "Scheduler or persistence engine not found"),
    ("ENOENT", frozenset({"edit-server", "delete-server"}), "No such destination"),
    ("ESRCH", _SERVICES, "No such service"),
    ("ESRCH", _SERVERS, "Service not defined"),
    ("ESRCH", frozenset({"stop-daemon"}), "No daemon is running"),
)
"""What an error means for some commands."""
ANYWHERE: Mapping[str, str] = {
    "EPERM": "Permission denied (you must be root)",
    "EINVAL": "Invalid operation.  Possibly wrong module version, address not unicast, ...",
    "ENOPROTOOPT": "Protocol not available",
    "ENOMEM": "Memory allocation problem",
    "EOPNOTSUPP": "Operation not supported with IPv6",
    "EAFNOSUPPORT": "Operation not supported with specified address family",
    "EMSGSIZE": "Module is wrong version",
    "ERANGE": "Numerical result out of range",
}
"""What it means for all of them; anything else is said by its own name."""


def meaning(error: KernelError, command: str) -> str:
    """The tool's words for an error of the kernel."""
    for code, commands, text in MEANINGS:
        if code == error.code and command in commands:
            return text
    return error.text or ANYWHERE.get(error.code, error.code)


def run(
    words: Sequence[str],
    table: IpvsTable,
    lines: Iterable[str],
    out: TextIO,
    err: TextIO,
    program: str = "ipvsadm",
) -> int:
    """Carry out one command line; returns its exit status.

    Args:
        words: the arguments without the program's name.
        lines: what `-R` reads.
    """
    try:
        order = parse(words, program)
        if order.command == "restore":
            return _restore(table, lines, out, err, program)
    except BadOptionError as error:
        err.write(f"{error}\n")
        return error.code
    return _carry_out(order, table, out, err)


def _carry_out(order: Order, table: IpvsTable, out: TextIO, err: TextIO) -> int:
    try:
        out.writelines(f"{line}\n" for line in ACTIONS[order.command](order, table))
    except KernelError as error:
        err.write(f"{meaning(error, order.command)}\n")
        return UNLISTED if order.command in {"list", "save"} else REFUSED
    return 0


def _restore(table: IpvsTable, lines: Iterable[str], out: TextIO, err: TextIO, program: str) -> int:
    """Each line is a command line; the status is the last one's, a wrong option ends it at once.

    Comments are passed over, which ipvsadm 1.31 leaves to `ipvsadm-restore` ([REC]).
    """
    status = 0
    for line in lines:
        words = line.split("#", 1)[0].split() if line.lstrip().startswith("#") else _split(line)
        if words[:1] == ["ipvsadm"]:
            del words[0]
        if not words:
            continue
        order = parse(words, program)
        if order.command == "restore":
            raise BadOptionError(HINT.format(program=program), REFUSED)
        status = _carry_out(order, table, out, err)
    return status


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _list(order: Order, table: IpvsTable) -> Iterator[str]:
    if order.has("connection"):
        yield from listing.entries(table.entries(), order)
    elif order.has("timeout"):
        yield listing.timeouts(table.timeouts())
    elif order.has("daemon"):
        yield from map(listing.daemon, table.daemons())
    elif order.has("service-address"):
        found = table.service(order.virtual)
        yield from listing.heading(order)
        yield from listing.service_lines(found, order)
    else:
        services = table.services()
        yield listing.version(table.size())
        yield from listing.heading(order)
        for one in services if order.has("nosort") else listing.ordered_services(services):
            yield from listing.service_lines(one, order)


def _save(order: Order, table: IpvsTable) -> Iterator[str]:
    return saving.rules(table.services(), numeric=order.has("numeric"))


def _said(lines: Sequence[str]) -> Action:
    return lambda _order, _table: iter(lines)


def _done(act: Callable[[Order, IpvsTable], object]) -> Action:
    def action(order: Order, table: IpvsTable) -> Iterator[str]:
        act(order, table)
        return iter(())

    return action


Action = Callable[[Order, IpvsTable], Iterator[str]]
"""Carries an order out and gives the lines to print."""

ACTIONS: Mapping[str, Action] = {
    "list": _list,
    "save": _save,
    "help": _said([VERSION, HELP]),
    "version": _said([VERSION]),
    "add-service": _done(lambda order, table: table.add_service(order.service)),
    "edit-service": _done(lambda order, table: table.edit_service(order.service)),
    "delete-service": _done(lambda order, table: table.delete_service(order.virtual)),
    "flush": _done(lambda _order, table: table.flush()),
    "add-server": _done(lambda order, table: table.add_destination(order.virtual, order.destination)),
    "edit-server": _done(lambda order, table: table.edit_destination(order.virtual, order.destination)),
    "delete-server": _done(lambda order, table: table.delete_destination(order.virtual, order.destination)),
    "zero": _done(lambda order, table: table.zero(order.virtual if order.has("service-address") else None)),
    "set": _done(lambda order, table: table.set_timeouts(*order.timeouts)),
    "start-daemon": _done(lambda order, table: table.start_daemon(order.daemon)),
    "stop-daemon": _done(lambda order, table: table.stop_daemon(order.daemon.role)),
}
