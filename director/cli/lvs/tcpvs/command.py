"""`tcpvsadm` from arguments to exit status, over any `TcpvsTable`.

Statuses: 2 for wrong options, 255 for usage and for what is refused, 1 for a file that cannot be used
(`lvs-semantics` A.3, A.4).  Mended, for the original had them wrong: what is refused does not end with 0,
`-E` keeps what it does not speak of, and so does `-e`, `--start` does not stop what runs, and a file that
cannot be read leaves the table as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from attrs import evolve

from director.cli.lvs.popt import BadOptionError
from director.cli.lvs.table import KernelError
from director.cli.lvs.tcpvs import document
from director.cli.lvs.tcpvs.arguments import Instruction, parse
from director.cli.lvs.tcpvs.document import Block, DocumentError
from director.cli.lvs.tcpvs.help import HELP, VERSION
from director.cli.lvs.tcpvs.table import (
    HASHING,
    RELAYING,
    TcpvsRule,
    TcpvsServer,
    TcpvsService,
    TcpvsTable,
)
from director.conditions.regexes import regex
from director.config.text.messages import BadValue
from director.model.pools import Address

DONE, UNUSABLE, REFUSED = 0, 1, 255
Services = tuple[TcpvsService, ...]

_SERVERS = frozenset({"add-server", "edit-server", "delete-server"})
_RULES = frozenset({"add-rule", "del-rule"})
MEANINGS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("EEXIST", frozenset({"add-service", "load-configfile"}), "Service already exists"),
    ("ENOENT", frozenset({"add-service", "edit-service", "load-configfile"}), "Scheduler not found"),
    ("ESRCH", frozenset({"edit-service", "delete-service", "list", "start", "stop"}), "No such service"),
    ("ESRCH", _SERVERS | _RULES, "Service not defined"),
    ("EEXIST", frozenset({"add-server"}), "Destination already exists"),
    ("ENOENT", _SERVERS | _RULES, "No such destination"),
    ("EBUSY", _SERVERS | _RULES, "Destination is busy"),
)
"""What an error means for some commands."""
ANYWHERE: Mapping[str, str] = {
    "EPERM": "Permission denied (you must be root)",
    "EINVAL": "Module is wrong version",
    "ENOPROTOOPT": "The ktcpvs module not loaded",
    "ENOMEM": "Memory allocation problem",
}
"""What it means for all of them."""


def meaning(error: KernelError, command: str) -> str:
    """The tool's words for an error; the director's own where it knows better."""
    for code, commands, text in MEANINGS:
        if code == error.code and command in commands:
            return text
    return error.text or ANYWHERE.get(error.code, error.code)


def run(words: Sequence[str], table: TcpvsTable, out: TextIO, err: TextIO, program: str = "tcpvsadm") -> int:
    """Carry out one command line, without the program's name; returns its exit status."""
    try:
        asked = parse(words, program)
    except BadOptionError as error:
        err.write(f"{error}\n")
        return error.code
    try:
        out.writelines(f"{line}\n" for line in ACTIONS[asked.command](asked, table, err))
    except DocumentError as error:
        err.write(f"{error}\n")
        return UNUSABLE
    except KernelError as error:
        err.write(f"{meaning(error, asked.command)}\n")
        return REFUSED
    return DONE


# --- one service after the other, as values -------------------------------------------------------


def find(services: Iterable[TcpvsService], ident: str) -> TcpvsService:
    """The service of a name.  Raises KernelError."""
    found = next((one for one in services if one.ident == ident), None)
    if found is None:
        raise KernelError("ESRCH")
    return found


def with_server(service: TcpvsService, server: TcpvsServer) -> TcpvsService:
    """With one more server.  Raises KernelError."""
    if service.server(server.address) is not None:
        raise KernelError("EEXIST")
    return service.with_server(server)


def with_other_weight(service: TcpvsService, server: TcpvsServer) -> TcpvsService:
    """With another weight of a server.  Raises KernelError."""
    if service.server(server.address) is None:
        raise KernelError("ENOENT")
    return service.with_server(server)


def without_server(service: TcpvsService, address: Address) -> TcpvsService:
    """Without a server; one that a rule uses is busy.  Raises KernelError."""
    if service.server(address) is None:
        raise KernelError("ENOENT")
    if any(address in rule.servers for rule in service.rules):
        raise KernelError("EBUSY")
    return evolve(service, servers=tuple(one for one in service.servers if one.address != address))


def with_pattern(service: TcpvsService, pattern: str, match: int, address: Address) -> TcpvsService:
    """With a rule for a server, or the server added to the rule of that pattern (A.9).

    Raises KernelError: a server is in at most one rule.
    """
    if service.server(address) is None:
        raise KernelError("ENOENT")
    if any(address in rule.servers for rule in service.rules):
        raise KernelError("EBUSY")
    if service.scheduler == RELAYING:
        text = "wlc reads no request, so it has no rules; give the service http, hhttp, phttp or chttp"
        raise KernelError("EOPNOTSUPP", text)
    _check_pattern(pattern, match if service.scheduler == HASHING else 0)
    found = service.rule(pattern) or TcpvsRule(pattern, match)
    return service.with_rule(evolve(found, servers=(*found.servers, address)))


def _check_pattern(pattern: str, match: int) -> None:
    """Raises KernelError for what is no regular expression, or has fewer groups."""
    if not pattern or len(pattern.encode()) > document.LONGEST_PATTERN:
        text = f"a pattern has 1 to {document.LONGEST_PATTERN} bytes"
        raise KernelError("EFAULT", text)
    try:
        groups = regex(pattern).groups
    except BadValue as error:
        raise KernelError("EFAULT", f"{pattern!r} is no regular expression: {error.message}") from error
    if match > groups:
        text = f"illegal match number: {pattern!r} has {groups} group(s) in parentheses"
        raise KernelError("EFAULT", text)


def without_pattern(service: TcpvsService, pattern: str, address: Address) -> TcpvsService:
    """Without a server of a rule; a rule without servers goes (A.9).  Raises KernelError.

    A server that is not in that rule is none to take out, which is no error.
    """
    rule = service.rule(pattern)
    if rule is None:
        raise KernelError("EEXIST", f"No such rule: {pattern!r}; -L -i {service.ident} lists them")
    left = tuple(one for one in rule.servers if one != address)
    if left:
        return service.with_rule(evolve(rule, servers=left))
    return evolve(service, rules=tuple(one for one in service.rules if one is not rule))


def built(block: Block) -> TcpvsService:
    """The service of a file: its servers added, then its rules (A.3).  Raises KernelError."""
    service = block.service
    for server in block.servers:
        service = with_server(service, server)
    for rule, address in block.rules:
        service = with_pattern(service, rule.pattern, rule.match, address)
    return service


# --- the commands -----------------------------------------------------------------------------------


def _add_service(asked: Instruction, table: TcpvsTable) -> None:
    if any(one.ident == asked.ident for one in table.services()):
        raise KernelError("EEXIST")
    table.put((), (_told(asked, TcpvsService(asked.ident)),))


def _edit_service(asked: Instruction, table: TcpvsTable) -> None:
    old = find(table.services(), asked.ident)
    new = _told(asked, old)
    if RELAYING in {old.scheduler, new.scheduler} and old.scheduler != new.scheduler and old.rules:
        text = "wlc reads no request, so it has no rules; delete the service's rules first: --del-rule"
        raise KernelError("EBUSY", text)
    table.put((old,), (new,))


def _told(asked: Instruction, service: TcpvsService) -> TcpvsService:
    """A service with what the options say."""
    listen = service.listen
    if asked.listen:
        listen = evolve(listen, host=asked.listen)
    if asked.port is not None:
        listen = evolve(listen, port=asked.port)
    return evolve(service, listen=listen, scheduler=asked.scheduler or service.scheduler)


def _delete_service(asked: Instruction, table: TcpvsTable) -> None:
    old = find(table.services(), asked.ident)
    if old.running:
        raise KernelError("EBUSY", _runs(old))
    table.put((old,), ())


def _runs(service: TcpvsService) -> str:
    return f"Service {service.ident} is running; stop it first: --stop -i {service.ident}"


def _flush(asked: Instruction, table: TcpvsTable, err: TextIO) -> Iterable[str]:
    going, left = _removable(table.services())
    table.put(going, ())
    _tell(left, err)
    return ()


def _removable(services: Services) -> tuple[Services, Services]:
    """The services that a flush takes away, newest first, up to one that runs (A.4); and what stays."""
    newest = services[::-1]
    stop = next((at for at, one in enumerate(newest) if one.running), len(newest))
    return newest[:stop], newest[stop:]


def _tell(left: Services, err: TextIO) -> None:
    """No error, but nobody should think that all is gone."""
    if left:
        err.write(f"{_runs(left[0])}; what was added before it stays as well\n")


def _on_service(
    change: Callable[[TcpvsService, Instruction], TcpvsService],
) -> Callable[[Instruction, TcpvsTable], None]:
    """A command that makes another service of one."""

    def act(asked: Instruction, table: TcpvsTable) -> None:
        old = find(table.services(), asked.ident)
        new = change(old, asked)
        if new != old:
            table.put((old,), (new,))

    return act


def _weighted(service: TcpvsService, asked: Instruction) -> TcpvsService:
    """`-e` without `-w` keeps the weight."""
    known = service.server(asked.server)
    weight = asked.weight if asked.weight is not None else known.weight if known else 1
    return with_other_weight(service, TcpvsServer(asked.server, weight))


def _load(asked: Instruction, table: TcpvsTable, err: TextIO) -> Iterable[str]:
    """The file's services in the place of all others, in one change."""
    blocks = document.read(asked.file, _text(asked.file))
    going, left = _removable(table.services())
    new: list[TcpvsService] = []
    for one in blocks:
        if any(other.ident == one.service.ident for other in (*left, *new)):
            raise KernelError("EEXIST")
        try:
            new.append(built(one))
        except KernelError as error:
            # The tool adds servers and rules one by one, and says of each what it would say alone.
            text = f"{one.service.ident}: {meaning(error, 'add-server')}"
            raise KernelError("EOTHER", text) from error
    table.put(going, new)
    _tell(left, err)
    return ()


def _text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"config file {name} opening error") from error


def _list(asked: Instruction, table: TcpvsTable, err: TextIO) -> Iterable[str]:
    services, numeric = table.services(), asked.has("numeric")
    if asked.has("ident"):
        return document.block(find(services, asked.ident), numeric=numeric)
    return document.listing(services, numeric=numeric)


def _switched(*, running: bool) -> Action:
    """`--start` and `--stop`: of one service, or of each; one that cannot does not keep the others."""

    def act(asked: Instruction, table: TcpvsTable, err: TextIO) -> Iterable[str]:
        services = table.services()
        wanted = (find(services, asked.ident),) if asked.has("ident") else services
        failed: KernelError | None = None
        for one in wanted:
            try:
                if one.running != running:
                    table.put((one,), (evolve(one, running=running),))
            except KernelError as error:
                if failed is not None:
                    err.write(f"{meaning(failed, asked.command)}\n")
                failed = error
        if failed is not None:
            raise failed
        return ()

    return act


def _said(lines: Sequence[str]) -> Action:
    return lambda _asked, _table, _err: lines


def _done(act: Callable[[Instruction, TcpvsTable], None]) -> Action:
    def action(asked: Instruction, table: TcpvsTable, err: TextIO) -> Iterable[str]:
        act(asked, table)
        return ()

    return action


Action = Callable[[Instruction, TcpvsTable, TextIO], Iterable[str]]
"""Carries an instruction out and gives the lines to print."""

ACTIONS: Mapping[str, Action] = {
    "add-service": _done(_add_service),
    "edit-service": _done(_edit_service),
    "delete-service": _done(_delete_service),
    "flush": _flush,
    "add-server": _done(
        _on_service(
            lambda service, asked: with_server(
                service, TcpvsServer(asked.server, 1 if asked.weight is None else asked.weight)
            )
        )
    ),
    "edit-server": _done(_on_service(_weighted)),
    "delete-server": _done(_on_service(lambda service, asked: without_server(service, asked.server))),
    "add-rule": _done(
        _on_service(lambda service, asked: with_pattern(service, asked.pattern, asked.match, asked.server))
    ),
    "del-rule": _done(
        _on_service(lambda service, asked: without_pattern(service, asked.pattern, asked.server))
    ),
    "list": _list,
    "load-configfile": _load,
    "start": _switched(running=True),
    "stop": _switched(running=False),
    "help": _said([HELP]),
    "version": _said([VERSION]),
}
