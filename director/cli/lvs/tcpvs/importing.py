"""`director config import tcpvs FILE`: a configuration file of KTCPVS as sections of an ini.

Names are those that `director-tcpvsadm -f` would give (`objects`), so that a file that is imported and one
that is loaded make the same director; only that what is imported listens from the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve

from director.cli.client import Refused
from director.cli.lvs.table import KernelError
from director.cli.lvs.tcpvs import document
from director.cli.lvs.tcpvs.command import built, meaning
from director.cli.lvs.tcpvs.document import DocumentError
from director.cli.lvs.tcpvs.objects import Keys, numbered, objects
from director.cli.lvs.tcpvs.table import TcpvsService

UNSAID = {"start": "yes", "weight": 1}
"""What need not be written."""


def sections(name: str, text: str) -> Iterator[str]:
    """The sections of a file.  Raises Refused with what is wrong."""
    try:
        blocks = document.read(name, text)
    except DocumentError as error:
        raise Refused(str(error)) from error
    numbers: set[int] = set()
    seen: set[str] = set()
    for block in blocks:
        ident = block.service.ident
        if ident in seen:
            raise Refused(f"{ident} is there twice; rename one of the two")
        seen.add(ident)
        try:
            made = numbered(evolve(built(block), running=True), numbers)
        except KernelError as error:
            raise Refused(f"{ident}: {meaning(error, 'add-server')}") from error
        numbers |= {rule.number for rule in made.rules if rule.number is not None}
        yield from _written(made)


def _written(service: TcpvsService) -> Iterator[str]:
    found = objects(service)
    for (kind, name), keys in found.items():
        if kind == "server":
            continue
        title = f"{name} {keys['title']}" if kind == "rule" else name.removeprefix("l7:")
        yield f"[{'l7' if kind == 'service' else kind}:{title}]\n"
        if kind == "pool":
            yield from (_server(one, of) for (what, one), of in found.items() if _in_pool(what, one, name))
        yield "".join(f"{key} = {_text(value)}\n" for key, value in keys.items() if _told(key, value)) + "\n"


def _in_pool(kind: str, name: str, pool: str) -> bool:
    return kind == "server" and name.partition("/")[0] == pool


def _server(name: str, keys: Keys) -> str:
    weight = f" weight={keys['weight']}" if keys["weight"] != UNSAID["weight"] else ""
    return f"server.{name.partition('/')[2]} = {keys['address']}{weight}\n"


def _told(key: str, value: Any) -> bool:
    return value is not None and key != "title" and UNSAID.get(key) != value


def _text(value: Any) -> str:
    """`$` begins a variable in the ini, `$$` stands for itself."""
    return str(value).replace("$", "$$")
