"""A `TcpvsTable` that is a list."""

from __future__ import annotations

from collections.abc import Sequence

from director.cli.lvs.table import KernelError
from director.cli.lvs.tcpvs.table import TcpvsService


class ListedServices:
    """`refuse` names a service that no change may touch."""

    def __init__(self, *services: TcpvsService) -> None:
        self.found = list(services)
        self.refuse = ""

    def services(self) -> tuple[TcpvsService, ...]:
        return tuple(self.found)

    def put(self, old: Sequence[TcpvsService], new: Sequence[TcpvsService]) -> None:
        if any(one.ident == self.refuse for one in (*old, *new)):
            raise KernelError("EREFUSED", f"{self.refuse} cannot be changed")
        changed = {one.ident: one for one in new}
        gone = {one.ident for one in old} - set(changed)
        self.found = [changed.pop(one.ident, one) for one in self.found if one.ident not in gone]
        self.found += changed.values()
