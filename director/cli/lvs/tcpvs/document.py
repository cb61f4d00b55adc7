"""The configuration file of `tcpvsadm` (A.3), read and written; the list that it prints (A.4) is such a file.

Written, a service's rules stand so that reading them makes the same order: those that match what the others
leave go to the end by themselves, of the others the one that is added last is tried first.

Mended, for the original had them wrong: the line that is told is the one meant, and what is listed can be
loaded again, its heading included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from director.cli.lvs import addresses
from director.cli.lvs.addresses import NoAddressError, number, shown
from director.cli.lvs.tcpvs.table import HASHING, TcpvsRule, TcpvsServer, TcpvsService
from director.model.pools import Address

HEADING = "TCP Virtual Server version 0.0.18"
LONGEST_LINE, LONGEST_PATTERN = 512, 255
LARGEST_COUNT, LARGEST_WEIGHT, LARGEST_MATCH = 65535, 65535, 10
LONGEST_NOTE = 400
"""Characters of a comment: it must fit into a line that is read again."""
COUNTS = {
    "startservers": "start_servers", "maxclients": "max_clients", "minspareservers": "min_spare",
    "maxspareservers": "max_spare",
}  # fmt: skip
"""Keywords whose value is a number, and the fields of a service."""
_TOKEN = re.compile(r'"((?:\\"|[^"])*)"|[={]|[^\s={"][^\s={]*')
_BARE_QUOTE = re.compile(r'(?<!\\)"')


class DocumentError(Exception):
    """The file cannot be used; the text is what the tool says."""


@frozen
class Token:
    """A word and the line that it stands in."""

    text: str
    line: int


@frozen
class Block:
    """One `virtual` of a file: the service without what is added to it, and that in the file's order."""

    service: TcpvsService
    servers: tuple[TcpvsServer, ...] = ()
    rules: tuple[tuple[TcpvsRule, Address], ...] = ()


def tokens(lines: Sequence[str]) -> Iterator[Token]:
    """The words of a file.  Raises DocumentError with the line."""
    for count, line in enumerate(lines, 1):
        if len(line.encode()) > LONGEST_LINE:
            raise _Wrong(count, f"a line may have {LONGEST_LINE} bytes")
        at = 0
        while (at := _blank(line, at)) < len(line) and line[at] != "#":
            found = _TOKEN.match(line, at)
            if found is None:
                raise _Wrong(count, "a quote is never closed")
            yield Token(found[0] if found[1] is None else found[1], count)
            at = found.end()


def _blank(line: str, at: int) -> int:
    while at < len(line) and line[at].isspace():
        at += 1
    return at


class _Wrong(Exception):  # noqa: N818 - it is what happened
    """A mistake in a line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


def read(name: str, text: str) -> list[Block]:
    """The services of a file.  Raises DocumentError; `name` is what it calls the file."""
    lines = text.splitlines()
    listed = lines[:1] == [HEADING]
    if listed:
        lines[0] = ""
    try:
        return list(_Reader(tokens(lines), 0 if listed else 1).blocks())
    except _Wrong as wrong:
        text = f"Syntax error in the config file {name} (line {wrong.line}): {wrong.text}"
        raise DocumentError(text) from wrong


class _Reader:
    """Recursive descent over the words of a file.

    `least` is the least weight of a server: a file cannot say 0, which a list that is loaded again can.
    """

    def __init__(self, words: Iterator[Token], least: int) -> None:
        self.least = least
        self._words = words
        self._line = 1
        self._complaint = "parse_service error"

    def blocks(self) -> Iterator[Block]:
        """Each `virtual`."""
        for word in self._words:
            if word.text.lower() != "virtual":
                raise DocumentError(f"invalid command {word.text}")
            self._line, self._complaint = word.line, "parse_service error"
            ident = self.word()
            self.expect("{")
            yield self.block(Block(TcpvsService(ident)))

    def block(self, block: Block) -> Block:
        """Up to the brace that closes it."""
        while (key := self.word().lower()) != "}":
            take = ITEMS.get(key)
            if take is None:
                raise _Wrong(self._line, self._complaint)
            self._complaint = f"parsing {COMPLAINTS.get(key, key)} error"
            self.expect("=")
            block = take(self, block)
            self._complaint = "parse_service error"
        return block

    def word(self) -> str:
        """The next one."""
        found = next(self._words, None)
        if found is None:
            raise _Wrong(self._line, self._complaint)
        self._line = found.line
        return found.text

    def expect(self, *choices: str) -> str:
        """The next one, in lower case, which must be one of these."""
        word = self.word().lower()
        if word not in choices:
            raise self.wrong()
        return word

    def wrong(self) -> _Wrong:
        """What is said of the word at hand."""
        return _Wrong(self._line, self._complaint)

    def number(self, least: int, most: int) -> int:
        """A number within bounds."""
        value = number(self.word(), least, most)
        if value is None:
            raise self.wrong()
        return value

    def address(self, port: int = 0) -> Address:
        """HOST[:PORT]; `port` is what stays when it is left out."""
        try:
            host, given = addresses.endpoint(self.word(), "tcp")
        except NoAddressError as error:
            raise self.wrong() from error
        return Address(host, port if given is None else given)


def _listen(reader: _Reader, block: Block) -> Block:
    listen = reader.address(block.service.listen.port)
    return evolve(block, service=evolve(block.service, listen=listen))


def _scheduler(reader: _Reader, block: Block) -> Block:
    return evolve(block, service=evolve(block.service, scheduler=reader.word()))


def _count(field: str) -> Callable[[_Reader, Block], Block]:
    def take(reader: _Reader, block: Block) -> Block:
        given: dict[str, Any] = {field: reader.number(1, LARGEST_COUNT)}
        return evolve(block, service=evolve(block.service, **given))

    return take


def _redirect(reader: _Reader, block: Block) -> Block:
    held = block.service.redirect
    found = reader.address(held.port if held else 0)
    return evolve(block, service=evolve(block.service, redirect=found if found.port else None))


def _server(reader: _Reader, block: Block) -> Block:
    found = TcpvsServer(reader.address(), reader.number(reader.least, LARGEST_WEIGHT))
    return evolve(block, servers=(*block.servers, found))


def _rule(reader: _Reader, block: Block) -> Block:
    reader.expect("pattern")
    pattern = reader.word()
    if len(pattern.encode()) > LONGEST_PATTERN:
        raise reader.wrong()
    match = 0
    if reader.expect("match", "use") == "match":
        match = number(reader.word(), 0, LARGEST_MATCH) or 0
        reader.expect("use")
    reader.expect("server")
    return evolve(block, rules=(*block.rules, (TcpvsRule(pattern, match), reader.address())))


ITEMS: Mapping[str, Callable[[_Reader, Block], Block]] = {
    "listen": _listen,
    "scheduler": _scheduler,
    **{key: _count(field) for key, field in COUNTS.items()},
    "redirect": _redirect,
    "server": _server,
    "rule": _rule,
}
COMPLAINTS = {"listen": "listen address", "redirect": "redirect address"}
"""What a message calls a keyword, when not by its name."""


# --- written --------------------------------------------------------------------------------------


def listing(services: Sequence[TcpvsService], *, numeric: bool) -> Iterator[str]:
    """The lines of a full list."""
    yield HEADING
    for one in services:
        yield from block(one, numeric=numeric)


def block(service: TcpvsService, *, numeric: bool) -> Iterator[str]:
    """The lines of one service."""

    def place(address: Address) -> str:
        return shown(address.host, address.port, "tcp", numeric=numeric)

    yield f"Virtual {service.ident} {{"
    yield f"    listen = {place(service.listen)}"
    yield f"    scheduler = {service.scheduler}"
    for key, field in COUNTS.items():
        yield f"    {key} = {getattr(service, field)}"
    if service.redirect is not None:
        yield f"    redirect = {place(service.redirect)}"
    for server in service.servers:
        yield f"    server = {place(server.address)} {server.weight}"
    for rule in in_file_order(service.rules):
        match = f"match {rule.match} " if service.scheduler == HASHING else ""
        pattern = _BARE_QUOTE.sub(r"\"", rule.pattern)
        for address in rule.servers:
            yield f'    rule = pattern "{pattern}" {match}use server {place(address)}'
    for note in service.notes:
        yield f"    # {note[:LONGEST_NOTE]}"
    yield "}"


def in_file_order(rules: Sequence[TcpvsRule]) -> list[TcpvsRule]:
    """Rules so that adding one after the other makes the order in which they are tried."""
    return [one for one in reversed(rules) if not one.last] + [one for one in rules if one.last]
