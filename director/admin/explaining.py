"""The route `explain`: what would be decided about a request, or about a packet, that nobody sent."""

from __future__ import annotations

import ipaddress
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, succeed

from director.admin import edits, views
from director.admin.answers import Answer, Refusal, as_json
from director.admin.api import Call
from director.admin.control import Control, PacketQuestion
from director.admin.views import Json
from director.errors import DirectorError, TheirsError
from director.registry.reports import ConnectionEntry, ConnectionQuery

FLOWS_SEARCHED = 1000
"""Flows of one client that are looked through for the one that is asked for."""


class Explaining:
    """Decides, claims nothing and counts nothing."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def explain(self, call: Call) -> Answer | Deferred[Answer]:
        """A body with `virtual` is about a packet, any other about a request."""
        order = edits.parse_object(call.body)
        if "virtual" in order:
            return self._packet(edits.packet_question(order))
        question = edits.question(order)
        try:
            found = self._control.explain(question)
        except (DirectorError, TheirsError) as error:
            raise Refusal(400, f"it cannot be decided: {error}", question.url) from error
        return as_json(views.trace_view(found, self._control.snapshot()))

    def _packet(self, question: PacketQuestion) -> Deferred[Answer]:
        try:
            found = self._control.explain_packet(question)
        except (DirectorError, TheirsError) as error:
            raise Refusal(400, f"it cannot be decided: {error}", str(question.virtual)) from error
        return self._bound(question, found).addCallback(self._told, question, found)

    def _told(
        self, bound: ConnectionEntry | None, question: PacketQuestion, found: Mapping[str, Any]
    ) -> Answer:
        seen = self._control.snapshot()
        server = seen.server(found["pool"], bound.server) if bound else None
        pool = seen.pools.get(found["pool"])
        view: Json = {
            **{key: found[key] for key in KEYS},
            "layer": "l4",
            "protocol": question.protocol,
            "client": str(question.client),
            "virtual": str(question.virtual),
            "bound": "" if bound is None else "template" if bound.template else "flow",
            "considered": [
                {"server": one.name, "status": views.status(one), "eligible": one.eligible,
                 "load": one.load, "weight": one.weight}
                for one in (pool.servers if pool else ())
            ],
        }  # fmt: skip
        if bound is not None:
            view |= {"server": bound.server, "scheduler": None, "why_none": ""}
            view |= {"load": server.load if server else None, "weight": server.weight if server else None}
        view["story"] = list(_story(view, bound))
        return as_json(view)

    @inlineCallbacks
    def _bound(
        self, question: PacketQuestion, found: Mapping[str, Any]
    ) -> Generator[Any, Any, ConnectionEntry | None]:
        """The flow of these ends, or else the template that binds the client."""
        client, name = question.client, str(found["service"]).removeprefix("l4:")
        flows = yield self._page(ipaddress.ip_network(client.host), name)
        flow = next((one for one in flows.entries if not one.template and one.client == str(client)), None)
        if flow is not None or found["persistent"] is None:
            return flow
        network = ipaddress.ip_network(f"{client.host}/{found['prefix']}", strict=False)
        bound = yield self._page(ipaddress.ip_network(network.network_address), name)
        return next((one for one in bound.entries if one.template), None)

    def _page(self, network: Any, service: str) -> Any:
        found: Any = self._control.connections(ConnectionQuery(FLOWS_SEARCHED, None, network, service))
        return found if isinstance(found, Deferred) else succeed(found)


KEYS = (
    "service", "pool", "server", "scheduler", "candidates", "forward", "load", "weight", "persistent",
    "why_none",
)  # fmt: skip
"""What `Control.explain_packet` gives, and is shown as it is."""


def _story(view: Json, bound: ConnectionEntry | None) -> Iterator[str]:
    yield f"{view['service']} takes {view['protocol']} packets for {view['virtual']}"
    yield f"pool {view['pool']}"
    if bound is not None:
        what = "a template binds the client to" if bound.template else "the flow is known and goes to"
        yield f"{what} {bound.server}, for {bound.expires:.0f} s more"
        return
    if view["why_none"]:
        yield f"nobody can be chosen: {view['why_none']}"
        return
    yield f"{view['candidates']} of {len(view['considered'])} servers eligible"
    yield f"{view['scheduler']} chose {view['server']}: load {view['load']}, weight {view['weight']}"
    yield f"forwarded by {view['forward']}"
