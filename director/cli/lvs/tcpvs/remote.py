"""The running director as a `TcpvsTable`: what a command changes is one order, and one generation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from director.cli.client import NOT_REACHABLE, ApiClient, Refused
from director.cli.lvs.table import KernelError
from director.cli.lvs.tcpvs import reading
from director.cli.lvs.tcpvs.objects import Objects, numbered, objects, own_name, pool_of, steps
from director.cli.lvs.tcpvs.table import TcpvsService
from director.model.pools import Address

Json = Mapping[str, Any]


class RemoteServices:
    """`TcpvsTable` over the API of one director.

    `unkept` is true once the director did something that it could not keep for its next start.
    """

    def __init__(self, connect: Callable[[], ApiClient]) -> None:
        self._connect = connect
        self._found: ApiClient | None = None
        self._names: dict[tuple[str, Address], str] = {}
        self._numbers: set[int] = set()
        self.unkept = False

    @property
    def _client(self) -> ApiClient:
        """Looked for when somebody has to be asked: help needs no director."""
        self._found = self._found or self._connect()
        return self._found

    def services(self) -> tuple[TcpvsService, ...]:
        """Those of layer 7."""
        views, pools, rules = (self._get(kind) for kind in ("services", "pools", "rules"))
        self._numbers = {one["number"] for one in rules}
        self._names = {
            (pool["name"], at): server["name"]
            for pool in pools
            for server in pool["servers"]
            if (at := reading.place(server["address"])) is not None
        }
        return tuple(reading.services(views, {one["name"]: one for one in pools}, rules))

    def put(self, old: Sequence[TcpvsService], new: Sequence[TcpvsService]) -> None:
        """All of it, or nothing.  `old` is as `services` gave it."""
        before, after = self._objects(old), self._objects(new)
        kept = {name for kind, name in after if kind == "pool"}
        for service in old:
            before = {key: keys for key, keys in before.items() if not _lent(key, service, kept)}
        wanted = steps(before, after)
        if not wanted:
            return
        try:
            answer = self._client.post("changes", order={"changes": wanted})
        except Refused as refused:
            raise kernel_error(refused) from refused
        self.unkept |= not answer.get("kept", True)

    def _objects(self, services: Sequence[TcpvsService]) -> Objects:
        found: Objects = {}
        for one in services:
            made = numbered(one, self._numbers)
            self._numbers |= {rule.number for rule in made.rules if rule.number is not None}
            found |= objects(made, self._name)
        return found

    def _name(self, pool: str, address: Address) -> str:
        return self._names.get((pool, address)) or own_name(pool, address)

    def _get(self, kind: str) -> Any:
        try:
            return self._client.get(kind)
        except Refused as refused:
            raise kernel_error(refused) from refused


def _lent(key: tuple[str, str], service: TcpvsService, kept: Collection[str]) -> bool:
    """It belongs to a pool that the service used and does not own: that stays as it is when it is let go."""
    if key[0] not in {"pool", "server"}:
        return False
    pool = pool_of(key)
    own = {service.ident, *(f"{service.ident}-{rule.number}" for rule in service.rules)}
    used = {service.own_pool, *(rule.pool for rule in service.rules)}
    return pool in used and pool not in own and pool not in kept


def kernel_error(refused: Refused) -> KernelError:
    """What the director says, as an error of the tool.  Raises the same when nobody could be asked."""
    if refused.code == NOT_REACHABLE:
        raise refused
    at = f"{refused.at}: " if refused.at else ""
    if refused.at.rpartition(".")[2] == "scheduler" or "no such scheduler" in str(refused):
        return KernelError("ENOENT", f"{at}{refused}")
    return KernelError("EPERM" if refused.status in {401, 403} else "EREFUSED", f"{at}{refused}")
