"""The arguments of `tcpvsadm`: grammar, ranges, which options a command needs and allows (A.4).

Mended, for the original had them wrong: `-e` takes `-w` and `-d` does not, `--listen` takes an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from director.cli.lvs import addresses
from director.cli.lvs.addresses import NoAddressError, number
from director.cli.lvs.legality import Legal, lawful
from director.cli.lvs.popt import BadOptionError, Met, Option, Takes, read
from director.model.pools import Address

HINT = "Try `{program} -h' or '{program} --help' for more information."
USAGE = 255
LARGEST_PORT, LARGEST_WEIGHT, LARGEST_MATCH = 65534, 65535, 10

_V = Takes.VALUE
COMMANDS = (
    Option("A", "add-service"), Option("E", "edit-service"), Option("D", "delete-service"),
    Option("F", "flush"), Option("a", "add-server"), Option("e", "edit-server"),
    Option("d", "delete-server"), Option("", "add-rule"), Option("", "del-rule"), Option("L", "list"),
    Option("l", "list"), Option("f", "load-configfile", _V), Option("", "start"), Option("", "stop"),
    Option("h", "help"), Option("", "version"),
)  # fmt: skip
"""What may stand first.  `-l` is the list only there: behind a command it says where to listen."""
OPTIONS = (
    Option("i", "ident", _V), Option("l", "listen", _V), Option("P", "port", _V),
    Option("s", "scheduler", _V), Option("r", "real-server", _V), Option("w", "weight", _V),
    Option("p", "pattern", _V), Option("m", "match", _V), Option("n", "numeric"),
)  # fmt: skip
NAMES = tuple(one.long for one in OPTIONS)
"""What messages call the options; the first of these that is wrong is the one that is told."""


def _legal(needs: set[str], allows: set[str]) -> Legal:
    return Legal(frozenset(needs), frozenset(needs | allows))


LEGAL: Mapping[str, Legal] = {
    "add-service": _legal({"ident"}, {"scheduler", "port", "listen"}),
    "edit-service": _legal({"ident"}, {"scheduler", "port"}),
    "delete-service": _legal({"ident"}, set()),
    "flush": _legal(set(), set()),
    "add-server": _legal({"ident", "real-server"}, {"weight"}),
    "edit-server": _legal({"ident", "real-server"}, {"weight"}),
    "delete-server": _legal({"ident", "real-server"}, set()),
    "add-rule": _legal({"ident", "pattern", "real-server"}, {"match"}),
    "del-rule": _legal({"ident", "pattern", "real-server"}, set()),
    "list": _legal(set(), {"numeric", "ident"}),
    "load-configfile": _legal(set(), set()),
    "start": _legal(set(), {"ident"}),
    "stop": _legal(set(), {"ident"}),
    "help": _legal(set(), set()),
    "version": _legal(set(), set()),
}


@define
class Instruction:
    """What was asked; None and "" are what was not said."""

    command: str
    options: set[str] = field(factory=set)
    file: str = ""
    ident: str = ""
    listen: str = ""
    port: int | None = None
    scheduler: str = ""
    server: Address = field(factory=Address)
    weight: int | None = None
    pattern: str = ""
    match: int = 0

    def has(self, name: str) -> bool:
        """An option was given."""
        return name in self.options


def parse(words: Sequence[str], program: str = "tcpvsadm") -> Instruction:
    """The instruction that arguments (without the program's name) give.  Raises BadOptionError."""
    if not words:
        return Instruction("list")
    leftover: list[str] = []
    first, rest = _first(list(words), program)
    found = Instruction(first.option.long, file=first.value or "")
    for met in read((*OPTIONS, *(one for one in COMMANDS if one.short != "l")), rest, leftover):
        _take(found, met)
    if leftover:
        raise BadOptionError("unknown arguments found in command line")
    lawful(found.options, LEGAL[found.command], f"the '{found.command}' command", NAMES)
    return found


def _first(words: list[str], program: str) -> tuple[Met, list[str]]:
    """The command, which is the first option, and the words behind it; it may begin a cluster (`-Ln`)."""
    hint = BadOptionError(HINT.format(program=program), USAGE)
    leftover: list[str] = []
    head, rest = words[0], words[1:]
    known = {one.short: one for one in COMMANDS if one.short}
    cluster = head.startswith("-") and not head.startswith("--") and len(head) > 2
    if cluster and head[1] in known and known[head[1]].takes is Takes.NOTHING:
        head, rest = head[:2], [f"-{head[2:]}", *rest]
    taken = [head, *rest[:1]] if _takes_value(head) else [head]
    try:
        met = next(read(COMMANDS, taken, leftover), None)
    except BadOptionError as error:
        raise hint from error
    if met is None or leftover:
        raise hint
    separate = met.option.takes is Takes.VALUE and len(taken) > 1
    return met, rest[1:] if separate else rest


def _takes_value(word: str) -> bool:
    """Its value is the next word."""
    return word in {"-f", "--load-configfile"}


def _take(found: Instruction, met: Met) -> None:
    name = met.option.long
    if name in LEGAL:
        raise BadOptionError("multiple commands specified")
    if name in found.options:
        raise BadOptionError(f"multiple '{name}' options specified")
    found.options.add(name)
    reader = READERS.get(name)
    if reader is not None:
        reader(found, met.value or "")


def _endpoint(text: str) -> tuple[str, int | None]:
    try:
        return addresses.endpoint(text, "tcp")
    except NoAddressError as error:
        raise BadOptionError("illegal address:port specified") from error


def _ident(found: Instruction, text: str) -> None:
    found.ident = text


def _listen(found: Instruction, text: str) -> None:
    host, port = _endpoint(text)
    found.listen = host
    if port is not None and not found.has("port"):
        found.port = port


def _scheduler(found: Instruction, text: str) -> None:
    found.scheduler = text


def _server(found: Instruction, text: str) -> None:
    host, port = _endpoint(text)
    found.server = Address(host, port or 0)


def _pattern(found: Instruction, text: str) -> None:
    found.pattern = text


def _numbered(attribute: str, least: int, most: int, complaint: str) -> Callable[[Instruction, str], None]:
    """A reader of a number into an attribute."""

    def take(found: Instruction, text: str) -> None:
        value = number(text, least, most)
        if value is None:
            raise BadOptionError(complaint)
        setattr(found, attribute, value)

    return take


READERS: Mapping[str, Callable[[Instruction, str], None]] = {
    "ident": _ident, "listen": _listen, "scheduler": _scheduler, "real-server": _server,
    "pattern": _pattern,
    "port": _numbered("port", 1, LARGEST_PORT, "illegal server port specified"),
    "weight": _numbered("weight", 0, LARGEST_WEIGHT, "illegal weight specified"),
    "match": _numbered("match", 0, LARGEST_MATCH, "illegal match number specified"),
}  # fmt: skip
