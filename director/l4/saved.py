"""Flows and templates as text, so that they outlive the process: saved at a stop, taken up at a start.

One line of JSON for each entry, behind a line that names the format.  A line says who talks with whom and in
what state; the service is found again by its virtual address (or mark), the server by its own address in the
service's pool.  What is over by now, or has no service, server or method any more, is left out, and so is
every line that cannot be read: the file is input like any other.

Nothing is counted as a new connection; a claim is made on the server, as the flow had one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import define

from director.l4 import persistence
from director.l4.apps.sequence import Shift
from director.l4.flows import Entry, Flow, FlowTable, Template, TemplateFields
from director.l4.services import Places, Services, VirtualService, by_address, packed
from director.l4.states import sctp, tcp
from director.l4.wire.protocols import SCTP, TCP, UDP
from director.model.pools import BYPASS, METHODS
from director.registry import ledger

if TYPE_CHECKING:
    from director.l4.states.transitions import States
    from director.registry.registry import RealServer

VERSION = 1
FORMAT = "director flows"
LONGEST_LINE = 8192
"""Bytes; a longer line is none of ours."""
LONGEST_TIME = 31 * 86400.0
"""Seconds that an entry may live without a packet; the largest time-outs are shorter (`settings`)."""
_METHODS = {one.name: one for one in (*METHODS.values(), BYPASS)}
_STATES = {TCP: len(tcp.NAMES), SCTP: len(sctp.NAMES), UDP: 1}
_FLOW, _TEMPLATE = "flow", "template"


@define
class TakenUp:
    """What became of what was saved.

    `over` are those whose time ran out meanwhile, `homeless` those without a service, server or room,
    `unreadable` lines that are none of ours.
    """

    flows: int = 0
    templates: int = 0
    over: int = 0
    homeless: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        """For the log."""
        return (
            f"{self.flows} flow(s) and {self.templates} template(s) of the run before go on; "
            f"{self.over} were over, {self.homeless} had no service, server or room any more, "
            f"{self.unreadable} line(s) could not be read"
        )


# --- out ----------------------------------------------------------------------------------------------


def lines(table: FlowTable, now: float, time: float) -> Iterator[str]:
    """The file, by lines; `now` is the table's clock, `time` seconds since the epoch."""
    yield json.dumps({"format": FORMAT, "version": VERSION, "time": time})
    for entry in table.entries:
        if entry.dead or entry.deadline <= now:
            continue
        if isinstance(entry, Flow) and not entry.gone:
            yield json.dumps(_flow(entry) | _told(entry, now), separators=(",", ":"))
        elif isinstance(entry, Template) and entry.server.present and entry.service.present:
            yield json.dumps(_template(entry) | _told(entry, now), separators=(",", ":"))


def _told(entry: Flow | Template, now: float) -> dict[str, Any]:
    service = entry.service
    said: dict[str, Any] = {
        "id": entry.index,
        "left": round(entry.deadline - now, 3),
        "timeout": entry.timeout,
        "service": [*_identity(service)],
    }
    if entry.control is not None and not entry.control.dead:
        said["control"] = entry.control.index
    return said


def _identity(service: VirtualService) -> tuple[int, int, int, str, int]:
    """What a service is known by, whatever its name."""
    return service.mark, service.family, service.protocol, service.address.hex(), service.port


def _server(server: RealServer) -> list[Any]:
    address = packed(server.address.host)
    return [address.hex() if address else server.address.host, server.port]


def _flow(flow: Flow) -> dict[str, Any]:
    said: dict[str, Any] = {
        "kind": _FLOW,
        "protocol": flow.protocol,
        "client": [flow.client.hex(), flow.cport],
        "virtual": [flow.virtual.hex(), flow.vport],
        "target": [flow.target.hex(), flow.dport],
        "method": flow.method.name,
        "state": flow.state,
        "quiet": flow.quiet,
        "mark": flow.mark,
        "packets": flow.in_pkts,
    }
    if flow.method is not BYPASS:
        said["server"] = _server(flow.server)
    if flow.app:
        said["app"] = [flow.app, flow.mode]
    if isinstance(flow.adjust, Shift):
        shift = flow.adjust
        said["shift"] = [shift.change, shift.previous, shift.start, shift.old.hex(), shift.new.hex()]
    return said


def _template(template: Template) -> dict[str, Any]:
    fields = template.fields
    return {
        "kind": _TEMPLATE,
        "protocol": fields.protocol,
        "client": fields.client.hex(),
        "virtual": fields.virtual.hex(),
        "ports": [fields.vport, fields.dport],
        "data": fields.data.hex(),
        "assured": template.assured,
        "server": _server(template.server),
    }


# --- in -----------------------------------------------------------------------------------------------


class _HomelessError(Exception):
    """A line of ours whose service, server or method is none of now, or for which there is no room."""


def take_up(
    text: Iterable[str], table: FlowTable, services: Services, states: States, now: float, time: float
) -> TakenUp:
    """Put what was saved into an empty `table`.  Never raises for what the lines say.

    A clock that was set back since makes entries live longer, never for ever.
    """
    told = TakenUp()
    reading = iter(text)
    try:
        away = max(0.0, time - _saved_at(json.loads(next(reading, ""))))
    except (ValueError, TypeError, KeyError, RecursionError):
        told.unreadable += 1
        return told
    reader = _Reader(table, services, states, now, away)
    for line in reading:
        try:
            left = reader.read(json.loads(line) if len(line) <= LONGEST_LINE else None)
        except _HomelessError:
            told.homeless += 1
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
            told.unreadable += 1
        else:
            told.over += left <= 0
    reader.control()
    told.flows, told.templates = reader.flows, reader.templates
    return told


def _saved_at(head: Any) -> float:
    """When the file was written, in seconds since the epoch.  Raises for what is no head of ours."""
    if (head["format"], head["version"]) != (FORMAT, VERSION):
        raise ValueError("another format")
    return float(head["time"])


class _Reader:
    """Makes entries of lines, and remembers who controls whom until all are there."""

    def __init__(self, table: FlowTable, services: Services, states: States, now: float, away: float) -> None:
        self._table, self._registry, self._states = table, services.registry, states
        self._now, self._away = now, away
        self._known = {_identity(one): one for one in services.by_key.values()}
        self._made: dict[int, Entry] = {}
        self._controls: list[tuple[Entry, int]] = []
        self._servers: dict[str, Places] = {}
        self.flows = self.templates = 0

    def read(self, said: Any) -> float:
        """Take one entry in; the seconds it has left, and nothing happens when it has none.

        Raises _HomelessError, and what reading wrong values raises.
        """
        timeout = _within(said["timeout"], LONGEST_TIME)
        left = min(_within(said["left"], LONGEST_TIME), timeout) - self._away
        if left <= 0:
            return left
        number = _number(said["id"], 1 << 32)
        control = _number(said["control"], 1 << 32) if "control" in said else None
        if self._table.full:
            raise _HomelessError
        service = self._service(said["service"])
        make = {_FLOW: self._flow, _TEMPLATE: self._template}[said["kind"]]
        entry = make(said, service)
        entry.timeout, entry.stamp = timeout, self._now + left - timeout
        self._table.wheel.schedule(entry, entry.deadline)
        self._made[number] = entry
        if control is not None:
            self._controls.append((entry, control))
        return left

    def control(self) -> None:
        """Tie those that are controlled to those that control them, where both are there."""
        for entry, number in self._controls:
            above = self._made.get(number)
            if above is not None and above is not entry and above.control is None:
                entry.control = above
                above.controls += 1

    def _service(self, said: Any) -> VirtualService:
        found = self._known.get(tuple(said))
        if found is None:
            raise _HomelessError
        return found

    def _server(self, said: Any, service: VirtualService) -> RealServer:
        name = service.config.pool
        if name not in self._servers:
            self._servers[name] = by_address(self._registry, name)
        found = self._servers[name].get((bytes.fromhex(said[0]), _port(said[1])))
        if found is None:
            raise _HomelessError
        return found

    def _flow(self, said: Any, service: VirtualService) -> Flow:
        protocol, state = said["protocol"], _number(said["state"], _STATES[said["protocol"]])
        client, virtual, target = (_end(said[name]) for name in ("client", "virtual", "target"))
        method = _METHODS[said["method"]]
        if len(client[0]) != len(virtual[0]):
            raise ValueError("a client of another family")
        flow = Flow(protocol, *client, *virtual, self._now)
        flow.target, flow.dport = target
        flow.method, flow.quiet = method, said["quiet"] is True
        flow.mark, flow.in_pkts = _number(said["mark"], 1 << 32), _number(said["packets"], 1 << 64)
        flow.app, flow.mode = _app(said.get("app", ("", "")))
        flow.adjust = _shift(said["shift"]) if "shift" in said else None
        server = None if method is BYPASS else self._server(said["server"], service)
        if server is not None:
            if method is not service.method(server.config) or target[0] != packed(server.address.host):
                raise _HomelessError
            if len(client[0]) != len(target[0]) and not method.crosses_families:
                raise _HomelessError
        if not self._table.free(flow):
            raise _HomelessError
        flow.bind(service, None if server is None else ledger.claim(server, inactive=True))
        self._table.add(flow)
        if protocol != UDP:
            self._states.enter(flow, state)
        self.flows += 1
        return flow

    def _template(self, said: Any, service: VirtualService) -> Template:
        ports = [_port(one) for one in said["ports"]]
        client, virtual = (_address(said[name]) for name in ("client", "virtual"))
        protocol = _number(said["protocol"], 256)
        fields = TemplateFields(protocol, client, virtual, ports[0], ports[1], bytes.fromhex(said["data"]))
        key = persistence.template_key(fields)
        server = self._server(said["server"], service)
        if service.persistent is None or key in self._table.templates:
            raise _HomelessError
        template = Template(key, fields, service, ledger.template(server), self._now)
        template.assured = said["assured"] is True
        self._table.add_template(template)
        self.templates += 1
        return template


def _number(said: Any, below: int) -> int:
    if type(said) is not int or not 0 <= said < below:
        raise ValueError(f"{said!r} is not below {below}")
    return said


def _port(said: Any) -> int:
    return _number(said, 1 << 16)


def _within(said: Any, most: float) -> float:
    number = float(said)
    if not 0 < number <= most:
        raise ValueError(f"{said!r} are no seconds of ours")
    return number


def _address(said: Any) -> bytes:
    found = bytes.fromhex(said)
    if len(found) not in (4, 16):
        raise ValueError(f"{said!r} is no address")
    return found


def _end(said: Any) -> tuple[bytes, int]:
    address, port = said
    return _address(address), _port(port)


def _app(said: Any) -> tuple[str, str]:
    app, mode = said
    if app not in ("", "ftp") or mode not in ("", "pasv", "epsv"):
        raise ValueError(f"{said!r} is no application of ours")
    return app, mode


def _shift(said: Any) -> Shift:
    shift = Shift()
    change, previous, start, old, new = said
    shift.change, shift.previous = int(change), int(previous)
    shift.start = None if start is None else _number(start, 1 << 32)
    shift.old, shift.new = bytes.fromhex(old), bytes.fromhex(new)
    return shift
