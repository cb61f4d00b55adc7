"""The running director as the table that LVS's commands know: each order is one of the API's.

A service that such a command makes is named after its address (`tcp-192.0.2.1-80`) and owns a pool of the
same name, which goes with it.  Services of the configuration file are found by their address, and changed
all the same: over the file, as every order is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from director.cli.client import NOT_REACHABLE, ApiClient, Refused
from director.cli.lvs.table import (
    ConnectionLine,
    Daemon,
    Destination,
    Figures,
    IpvsService,
    KernelError,
)
from director.config.parse.addresses import address
from director.config.parse.servers import tunnel
from director.config.parse.virtuals import virtual as read_virtual
from director.model.pools import Address, Forward, Tunnel
from director.model.virtual import Virtual

Json = Mapping[str, Any]

FIGURES = ("conns", "inpkts", "outpkts", "inbytes", "outbytes")
TIMEOUTS = ("tcp", "tcpfin", "udp")
PAGE = 1000
"""Connections that are asked for at a time; the most that the API gives."""
HASHING = frozenset({"sh", "mh"})
PLACES = {"flag-1": "fallback", "flag-2": "port"}
"""The free flags of hashing schedulers by their bits (`lvs-semantics` B.1)."""
CODES = {401: "EPERM", 403: "EPERM", 404: "ESRCH", 409: "EEXIST", 400: "EINVAL"}
"""The kernel's error for a status of the API."""
NOT_FOUND = frozenset({"scheduler", "pe"})
"""Fields of a service whose value must be known (ENOENT)."""
ROLES = ("master", "backup")
"""Of synchronisation daemons, in the order in which they are listed."""
ETHERNET, IPV4_HEADERS, IPV6_HEADERS = 1500, 28, 48
"""Octets of a frame, and of IP and UDP headers in it."""


def name_of(virtual: Virtual) -> str:
    """How a service of that address is called, and its pool: `tcp-192.0.2.1-80`, `fwmark-1-inet6`."""
    if virtual.fwmark:
        return f"fwmark-{virtual.fwmark}{'-inet6' if virtual.family == 6 else ''}"
    return f"{virtual.protocol}-{_dashed(virtual.host)}-{virtual.port}"


def server_name(host: str, port: int) -> str:
    """How a server of that address is called in its pool; a name begins with a letter or digit."""
    name = f"{_dashed(host)}-{port}"
    return f"0{name}" if name.startswith("-") else name


def _dashed(host: str) -> str:
    return host.replace(":", "-")


class RemoteTable:
    """`table.Table` over the API of one director.

    `unkept` is true once the director did something that it could not keep for its next start.
    """

    def __init__(self, connect: Callable[[], ApiClient]) -> None:
        self._connect = connect
        self._found: ApiClient | None = None
        self.unkept = False

    @property
    def _client(self) -> ApiClient:
        """Looked for when somebody has to be asked: help needs no director."""
        self._found = self._found or self._connect()
        return self._found

    # -- services --

    def services(self) -> tuple[IpvsService, ...]:
        """All of layer 4, in the director's order."""
        pools = {pool["name"]: pool for pool in self._get("pools")}
        return tuple(ipvs_service(one, pools[one["pool"]]) for one in self._views())

    def service(self, virtual: Virtual) -> IpvsService:
        """One of them."""
        view = self._there(virtual)
        return ipvs_service(view, self._get("pools", view["pool"]))

    def add_service(self, service: IpvsService) -> None:
        """With a pool of its own: one change, so that both can be taken back together."""
        if self._find(service.virtual) is not None:
            raise KernelError("EEXIST")
        name = name_of(service.virtual)
        given = {key: value for key, value in settings(service).items() if value is not None}
        keys = {"virtual": str(service.virtual), "pool": name, **given}
        try:
            self._changes([step("add", "pool", name), step("add", "service", f"l4:{name}", keys)])
        except KernelError as error:
            # Both were looked for: what is not found now is the scheduler.
            raise KernelError("ENOENT") if error.code == "ESRCH" else error from error

    def edit_service(self, service: IpvsService) -> None:
        """All settings anew."""
        view = self._there(service.virtual)
        try:
            self._change("patch", "services", view["key"], order=settings(service))
        except KernelError as error:
            raise KernelError("ENOENT") if error.code == "ESRCH" else error from error

    def delete_service(self, virtual: Virtual) -> None:
        """With its pool, if that is its own and nobody else's."""
        self._delete([self._there(virtual)])

    def flush(self) -> None:
        """All of layer 4."""
        self._delete(list(self._views()))

    def _delete(self, views: Sequence[Json]) -> None:
        """All of these, or none."""
        going = {view["key"] for view in views}
        own = {name_of(_virtual(view)) for view in views} & {view["pool"] for view in views}
        steps = [step("remove", "service", view["key"]) for view in views]
        pools = [one for one in self._get("pools") if one["name"] in own] if own else []
        free = [one["name"] for one in pools if going.issuperset(one["used_by"])]
        steps += [step("remove", "pool", name) for name in free]
        if steps:
            self._changes(steps)

    # -- destinations --

    def add_destination(self, virtual: Virtual, destination: Destination) -> None:
        """At the end of the pool."""
        pool = self._there(virtual)["pool"]
        _in_range(destination)
        if self._server(pool, destination) is not None:
            raise KernelError("EEXIST")
        where = Address(destination.host, destination.port)
        order = {"name": server_name(where.host, where.port), "address": str(where), **facts(destination)}
        self._change("post", "pools", pool, "servers", order=order)

    def edit_destination(self, virtual: Virtual, destination: Destination) -> None:
        """All of it anew but the address."""
        pool = self._there(virtual)["pool"]
        _in_range(destination)
        name = self._present(pool, destination)
        self._change("patch", "pools", pool, "servers", name, order=facts(destination))

    def delete_destination(self, virtual: Virtual, destination: Destination) -> None:
        """What it has open goes on (B.8)."""
        pool = self._there(virtual)["pool"]
        name = self._present(pool, destination)
        self._change("delete", "pools", pool, "servers", name, query="force=1")

    def _present(self, pool: str, destination: Destination) -> str:
        found = self._server(pool, destination)
        if found is None:
            raise KernelError("ENOENT")
        return found

    def _server(self, pool: str, destination: Destination) -> str | None:
        """The name of the server with that address."""
        wanted = (_plain(destination.host), destination.port)
        for one in self._get("pools", pool)["servers"]:
            where = _place(one)
            if (_plain(where.host), where.port) == wanted:
                return str(one["name"])
        return None

    # -- the rest --

    def zero(self, virtual: Virtual | None) -> None:
        """What is shown begins at 0; the metrics go on."""
        if virtual is None:
            self._change("post", "zero")
        else:
            self._change("post", "services", self._there(virtual)["key"], "zero")

    def timeouts(self) -> tuple[int, int, int]:
        """In seconds."""
        found = self._get("layer4")["timeouts"]
        tcp, tcpfin, udp = (int(found[name]) for name in TIMEOUTS)
        return tcp, tcpfin, udp

    def set_timeouts(self, tcp: int, tcpfin: int, udp: int) -> None:
        """Of `[l4]`."""
        given = zip(TIMEOUTS, (tcp, tcpfin, udp), strict=True)
        order = {f"timeout.{name}": f"{seconds}s" for name, seconds in given if seconds}
        if order:
            self._change("patch", "layer4", order=order)

    def entries(self) -> tuple[ConnectionLine, ...]:
        """All flows and templates, newest first."""
        return tuple(_entry(one) for one in self._connections())

    def _connections(self) -> Iterator[Json]:
        after = ""
        while True:
            page = self._get("connections", query=f"limit={PAGE}{after}")
            yield from page
            if len(page) < PAGE:
                return
            after = f"&after={page[-1]['id']}"

    def daemons(self) -> tuple[Daemon, ...]:
        """Those that were asked for, the master first."""
        found = self._get("layer4")["sync"]
        return tuple(_daemon(role, found[role]) for role in ROLES if found[role] is not None)

    def start_daemon(self, daemon: Daemon) -> None:
        """Over the file, as every order is."""
        if any(one.role == daemon.role for one in self.daemons()):
            raise KernelError("EEXIST")
        said = {
            "syncid": daemon.syncid,
            "group": daemon.group,
            "port": daemon.port,
            "ttl": daemon.ttl,
            "maxlen": daemon.maxlen,
        }
        words = [daemon.interface, *(f"{word} {value}" for word, value in said.items() if value)]
        try:
            self._change("patch", "layer4", order={f"sync.{daemon.role}": " ".join(words)})
        except KernelError as error:
            # All but the interface was looked at by the command's own grammar.
            raise KernelError("ENODEV", f"No such device: {error.text}") from error

    def stop_daemon(self, role: str) -> None:
        """It runs no more, whatever the file says."""
        if not any(one.role == role for one in self.daemons()):
            raise KernelError("ESRCH")
        self._change("patch", "layer4", order={f"sync.{role}": None})

    def size(self) -> int:
        """Of the flow table, as `conn_tab_bits` says."""
        return int(self._get("layer4")["size"])

    # -- asking --

    def _views(self) -> Iterable[Json]:
        return [one for one in self._get("services") if one["layer"] == "l4"]

    def _find(self, virtual: Virtual) -> Json | None:
        wanted = _key(virtual)
        return next((one for one in self._views() if _key(_virtual(one)) == wanted), None)

    def _there(self, virtual: Virtual) -> Json:
        found = self._find(virtual)
        if found is None:
            raise KernelError("ESRCH")
        return found

    def _get(self, *segments: str, query: str = "") -> Any:
        client = self._client
        try:
            return client.get(*segments, query=query)
        except Refused as refused:
            raise kernel_error(refused) from refused

    def _changes(self, steps: Sequence[Json]) -> None:
        self._change("post", "changes", order={"changes": steps})

    def _change(self, verb: str, *segments: str, **what: Any) -> None:
        client = self._client
        try:
            answer = getattr(client, verb)(*segments, **what)
        except Refused as refused:
            raise kernel_error(refused) from refused
        self.unkept |= isinstance(answer, dict) and not answer.get("kept", True)


def step(verb: str, kind: str, name: str, keys: Json | None = None) -> Json:
    """One of several changes, as `POST changes` takes it."""
    return {"verb": verb, "kind": kind, "name": name, "keys": keys or {}}


def kernel_error(refused: Refused) -> KernelError:
    """What the kernel would have said.  Raises the same again when nobody could be asked."""
    if refused.code == NOT_REACHABLE:
        raise refused
    at = f"{refused.at}: " if refused.at else ""
    if refused.at.rpartition(".")[2] in NOT_FOUND:
        return KernelError("ENOENT", f"{at}{refused}")
    return KernelError(CODES.get(refused.status, "EINVAL"), f"{at}{refused}")


def _daemon(role: str, told: Json) -> Daemon:
    """As the kernel tells it, which fills in what was not said (J.1)."""
    headers = IPV6_HEADERS if ":" in told["group"] else IPV4_HEADERS
    return Daemon(role, **{**told, "maxlen": told["maxlen"] or ETHERNET - headers})


# --- values to orders ----------------------------------------------------------------------------


def settings(service: IpvsService) -> dict[str, Any]:
    """All settings of a service in the keys of the ini; None is what it does not have."""
    return {
        "scheduler": " ".join((service.scheduler, *_flags(service))),
        "persistent": None if service.persistent is None else f"{service.persistent}s",
        "netmask": service.netmask,
        "ops": service.ops,
        "pe": service.engine or None,
    }


def _flags(service: IpvsService) -> Iterator[str]:
    """Flags in the scheduler's own words."""
    for flag in service.flags:
        own = flag.removeprefix(f"{service.scheduler}-")
        yield PLACES.get(own, own) if service.scheduler in HASHING else own


def _in_range(destination: Destination) -> None:
    """A lower threshold above the upper one is the kernel's ERANGE (B.3)."""
    if destination.lower > destination.upper:
        raise KernelError("ERANGE")


def facts(destination: Destination) -> dict[str, Any]:
    """What the line of a server says behind its address."""
    found: dict[str, Any] = {
        "weight": destination.weight,
        "max": destination.upper,
        "min": destination.lower,
        "forward": destination.forward.value,
    }
    return {**found, "tunnel": _written(destination.tunnel)}


def _written(found: Tunnel) -> str:
    text = f"{found.kind}:{found.port}" if found.port else found.kind
    return text if found.checksum == "none" else f"{text},{found.checksum}"


# --- views to values -------------------------------------------------------------------------------


def _virtual(view: Json) -> Virtual:
    found = read_virtual(view["virtual"])
    return Virtual(fwmark=found.fwmark, family=found.family) if found.fwmark else found


def _key(virtual: Virtual) -> tuple[object, ...]:
    """What two ways of writing one address have in common."""
    if virtual.fwmark:
        return virtual.fwmark, virtual.family
    return virtual.protocol, _plain(virtual.host), virtual.port


def _plain(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _place(server: Json) -> Address:
    return address(server["address"], lowest=0, port_needed=False)


def ipvs_service(view: Json, pool: Json) -> IpvsService:
    """A service of layer 4 and its pool, as the API has them, in the eyes of ipvsadm."""
    scheduler, *words = (view["scheduler"] or pool["scheduler"]).split(" ")
    flags = [f"{scheduler}-{word}" if word in PLACES.values() else word for word in words]
    if "else" in words or "(" in scheduler:
        scheduler, flags = view["scheduler"] or pool["scheduler"], []
    persistent = view["persistent"]
    return IpvsService(
        _virtual(view),
        scheduler,
        tuple(sorted(flags)),
        None if persistent is None else int(persistent),
        view["netmask"],
        view["pe"] or "",
        view["ops"],
        tuple(_destination(one, view["forward"]) for one in reversed(pool["servers"])),
        *_figures(view["traffic"]),
    )


def _destination(server: Json, forward: str) -> Destination:
    where = _place(server)
    return Destination(
        where.host,
        where.port,
        Forward(server["forward"] or forward),
        server["weight"],
        server["max"],
        server["min"],
        tunnel(server["tunnel"]),
        server["active"],
        server["inactive"],
        server["persistent"],
        *_figures(server["traffic"]),
    )


def _figures(traffic: Json) -> tuple[Figures, Figures]:
    """What was counted, and the rates."""
    return _five(traffic), _five(traffic["rates"])


def _five(found: Json) -> Figures:
    conns, inpkts, outpkts, inbytes, outbytes = (int(found[name]) for name in FIGURES)
    return conns, inpkts, outpkts, inbytes, outbytes


def _entry(one: Json) -> ConnectionLine:
    source, virtual, target = (_endpoint(one[name]) for name in ("client", "virtual", "target"))
    return ConnectionLine(
        one["protocol"],
        int(one["expires"]),
        one["state"],
        source,
        virtual,
        target,
        one["engine"],
        one["data"],
    )


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
