"""The API: each public method answers the route of that name (`routes`).

It reads through `Control`, sends changes through `Control.apply`, and returns values;
who may come in was settled before (`resource`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from time import monotonic, thread_time
from urllib.parse import quote

from attrs import asdict, evolve, field, frozen
from twisted.internet.defer import Deferred

from director.admin import audit, metrics, objects, paging, procfs, proofs, views
from director.admin.accounts import NOBODY, Principal
from director.admin.answers import (
    Answer,
    Headers,
    Refusal,
    as_array,
    as_error,
    as_json,
    as_object,
    as_page,
    as_text,
    encoded,
)
from director.admin.chronicle import HourBook
from director.admin.control import Control, TraceRecord
from director.admin.openapi import document
from director.admin.overview import overview, pools
from director.admin.pages import home
from director.admin.rendering import Renderings
from director.admin.trends import History
from director.admin.views import ViewContext
from director.model.virtual import L4Settings
from director.registry.reports import ConnectionQuery
from director.registry.snapshot import PoolSnapshot, RegistrySnapshot, ServerSnapshot

FAULTS_SHOWN = 20
NAME, KEY = attrgetter("name"), attrgetter("key")
SWITCHES = {"": True, "1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
EVENTS_SHOWN = 20
CHANGES_SINCE = 20
"""Generations that a 412 tells of."""
UNREFRESHED = frozenset({"healthz", "readyz", "static", "login", "login_page", "logout", "openapi", "config"})
"""Routes that show nothing that is counted."""


@frozen
class Call:
    """One request to the admin, after the gate.

    Attributes:
        path: the variable segments by name.
        query: first value of each query parameter.
        if_match: all If-Match fields, joined by commas.
        last_event: the Last-Event-ID of a reader that resumes.
        principal: who asks, and from where.
    """

    path: Mapping[str, str] = field(factory=dict)
    query: Mapping[str, str] = field(factory=dict)
    body: bytes = field(default=b"", repr=False)
    principal: Principal = NOBODY
    if_match: str = ""
    accept: str = ""
    last_event: str = ""

    @property
    def author(self) -> str:
        """How the audit names who asks."""
        return self.principal.author

    @property
    def dry_run(self) -> bool:
        """The caller asks what would be done; `?dry_run` without a value asks, too.  Raises Refusal."""
        return self.switch("dry_run")

    def switch(self, name: str) -> bool:
        """A parameter that is on or off.  Raises Refusal."""
        asked = SWITCHES.get(self.query.get(name, "0").lower())
        if asked is None:
            raise Refusal(400, f"{name} is 1 or 0", name)
        return asked

    def anew(self) -> Call:
        """The same order in a later moment: what it demanded was held against what ran before."""
        return evolve(self, if_match="")


class Tags:
    """Entity tags of everything that a generation holds: of this store, for others count from 1, too."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def tag(self, generation: int) -> str:
        """The tag of one generation."""
        return f'"{self._control.store_nonce}-g{generation}"'

    def headers(self, generation: int) -> Headers:
        """The tag as a header."""
        return (("ETag", self.tag(generation)),)

    def demand(self, call: Call, generation: int) -> None:
        """Refuse a write over a change that the caller has not seen (RFC 9110 13.1.1).  Raises Refusal."""
        tags = {tag.strip() for tag in call.if_match.split(",")}
        if call.if_match and not tags & {"*", self.tag(generation)}:
            text = "The configuration changed since; read it again"
            since = {"since": self._since(tags)}
            raise Refusal(412, text, f"generation {generation}", more=since)

    def _since(self, tags: Iterable[str]) -> list[views.Json]:
        """What others changed after the newest of what the caller has seen, newest first."""
        seen = self._control.snapshot()
        known = {self.tag(one.number): one.number for one in seen.generations}
        last = max((known[tag] for tag in tags if tag in known), default=None)
        newer = [one for one in seen.generations if last is not None and one.number > last]
        secrets = audit.secrets_of(seen)
        return [audit.generation_view(one, secrets) for one in newer[: -CHANGES_SINCE - 1 : -1]]


def limit(call: Call) -> int:
    """`?limit=`, 50 when not given.  Raises Refusal."""
    return paging.whole(call.query, "limit", 1, paging.LARGEST, 50)


def whole(call: Call, name: str, least: int, most: int, default: int) -> int:
    """A parameter that is a whole number.  Raises Refusal."""
    return paging.whole(call.query, name, least, most, default)


def connection_query(call: Call) -> ConnectionQuery:
    """What is asked of the flows.  Raises Refusal for what is no id, address or network."""
    after, client = call.query.get("after", ""), call.query.get("client", "")
    if after and not (after.isascii() and after.isdigit()):
        raise Refusal(400, "after is the id of a connection that was listed", "after")
    try:
        network = ipaddress.ip_network(client, strict=False) if client else None
    except ValueError as error:
        raise Refusal(400, "client is an address or a network, such as 192.0.2.0/24", "client") from error
    service, server = call.query.get("service", ""), call.query.get("server", "")
    return ConnectionQuery(limit(call), int(after) if after else None, network, service, server)


class Api:
    """All routes that speak JSON or plain text."""

    def __init__(
        self, control: Control, history: History, counted: Mapping[str, int], chronicle: HourBook
    ) -> None:
        self._control = control
        self._chronicle = chronicle
        self._tags = Tags(control)
        self._rates = history.rates
        self._trends = history.trends
        self._emptying = history.emptying
        self._counted = counted
        self._metrics = metrics.Metrics()
        self._renderings = Renderings(monotonic, thread_time)
        self._screens = Renderings(monotonic, thread_time)
        self._figures = Renderings(monotonic, thread_time)
        self._pools = Renderings(monotonic, thread_time)
        self._shown: views.Json = {}

    def context(self) -> ViewContext:
        """Everything a view may look at, now."""
        control = self._control
        return ViewContext(
            control.snapshot(),
            control.moment(),
            self._rates,
            tuple(control.listeners()),
            tuple(control.checks()),
            self._trends,
            self._emptying,
            control.unkept(),
            control.tls().expiry,
        )

    def refreshed(self, route: str) -> Deferred[None] | None:
        """Asked before a route is answered; see `Control.refreshed`."""
        return self._control.refreshed(route) if route not in UNREFRESHED else None

    # -- probes and scrapers --

    def healthz(self, call: Call) -> Answer:
        """Alive, since it answers."""
        return as_text("ok\n")

    def readyz(self, call: Call) -> Answer:
        """503 with the reasons while traffic should not come."""
        found = self._control.readiness()
        return as_json({"ready": found.ready, "reasons": list(found.reasons)}, 200 if found.ready else 503)

    def metrics(self, call: Call) -> Answer:
        """In pieces: there may be a hundred thousand lines."""
        return Answer(type=metrics.CONTENT_TYPE, pieces=self._renderings.pieces(self._measured))

    def _measured(self) -> Iterator[bytes]:
        control = self._control
        context = ViewContext(control.snapshot(), control.moment(), self._rates, tuple(control.listeners()))
        facts = metrics.MetricSources(
            readiness=control.readiness(),
            process=control.process(),
            traces=control.traces_kept(),
            admin=dict(self._counted),
            packets=control.packets(),
            caches=tuple(control.caches()),
            checks=control.checks_made(),
            reloads=control.reloads(),
            tls=control.tls(),
            relayed=control.relayed(),
            kept=not control.unkept(),
            faults=tuple(control.rehearsals.states()),
        )
        return metrics.pieces(self._metrics.families(context, facts))

    def openapi(self, call: Call) -> Answer:
        """The description of all this."""
        return as_json(document(self._control.process().version))

    # -- reading --

    def _tagged(self, value: object, generation: int) -> Answer:
        return as_json(value, headers=self._tags.headers(generation))

    def services(self, call: Call) -> Answer:
        """All services."""
        context = self.context()
        live, rest = paging.page(call.query, "/api/v1/services", [*context.seen.services.values()], KEY)
        found = [views.service_view(one, context) for one in live]
        return as_json(found, headers=(*self._tags.headers(context.seen.generation), *rest))

    def service(self, call: Call) -> Answer:
        """By key, or by name when only one layer has it."""
        context, name = self.context(), call.path["service"]
        services = context.seen.services
        found = [services[key] for key in (name, f"l7:{name}", f"l4:{name}") if key in services]
        if not found:
            raise Refusal(404, "No such service; /api/v1/services lists them", name)
        if len(found) > 1:
            raise Refusal(409, f"Both layers have it; say l7:{name} or l4:{name}", name)
        return self._tagged(views.service_view(found[0], context), context.seen.generation)

    def pools(self, call: Call) -> Answer:
        """All pools with their servers, in pieces: there may be ten thousand servers."""
        context = self.context()
        seen = tuple(context.seen.pools.values())
        if call.query:
            shown, rest = paging.page(call.query, "/api/v1/pools", seen, NAME)
            pieces = as_array(views.pool_view(pool, context) for pool in shown)
            return Answer(pieces=pieces, headers=(*self._tags.headers(context.seen.generation), *rest))
        made = self._pools.newest(
            lambda: as_array(views.pool_view(pool, context) for pool in seen), context.seen.generation
        )
        return Answer(pieces=made, headers=self._tags.headers(made.version))

    def pool(self, call: Call) -> Answer:
        """One pool."""
        context, pool = self._pool(call)
        return self._tagged(views.pool_view(pool, context), context.seen.generation)

    def _pool(self, call: Call) -> tuple[ViewContext, PoolSnapshot]:
        context = self.context()
        pool = context.seen.pools.get(call.path["pool"])
        if pool is None:
            raise Refusal(404, "No such pool; /api/v1/pools lists them", call.path["pool"])
        return context, pool

    def servers(self, call: Call) -> Answer:
        """Those of one pool, in pieces."""
        context, pool = self._pool(call)
        place = f"/api/v1/pools/{quote(pool.name)}/servers"
        shown, rest = paging.page(call.query, place, pool.servers, NAME)
        pieces = as_array(views.server_view(server, context) for server in shown)
        return Answer(pieces=pieces, headers=(*self._tags.headers(context.seen.generation), *rest))

    def server(self, call: Call) -> Answer:
        """One server."""
        context, server = self._found_server(call)
        return self._tagged(views.server_view(server, context), context.seen.generation)

    def _found_server(self, call: Call) -> tuple[views.ViewContext, ServerSnapshot]:
        """The server that the path names.  Raises Refusal."""
        context = self.context()
        server = context.seen.server(call.path["pool"], call.path["server"])
        if server is None:
            raise Refusal(
                404, "No such server; /api/v1/pools lists them", "{pool}/{server}".format(**call.path)
            )
        return context, server

    def rules(self, call: Call) -> Answer:
        """In the order in which they are tried."""
        context = self.context()
        rules = sorted(context.seen.configuration.rules, key=lambda rule: rule.number)
        return self._tagged([views.rule_view(rule, context) for rule in rules], context.seen.generation)

    def evidence(self, call: Call) -> Answer:
        """All that is known of one server's health, and how it came about."""
        context, server = self._found_server(call)
        found = self._control.proofs(server.pool, server.address)
        view = views.server_view(server, context)
        head = {key: view[key] for key in ("pool", "name", "address", "status", "note", "health", "failing")}
        return as_json({**head, **proofs.evidence_view(found, context.moment)})

    def overview(self, context: ViewContext) -> views.Json:
        """The first screen's content, but for the pools."""
        control = self._control
        faults = control.faults(FAULTS_SHOWN)
        seen = overview(context, control.readiness(), control.process(), control.events(EVENTS_SHOWN), faults)
        moment = control.moment()
        running = [one for one in control.rehearsals.states() if one.running is not None]
        return {**seen, "injected": [views.fault_view(one, moment) for one in running]}

    def stats(self, call: Call) -> Answer:
        """The overview: figures, or the very piece of the page that shows them."""
        if call.accept.startswith("text/html"):
            return as_page(self.screen()[1])
        return Answer(pieces=self._figures.pieces(self._all_figures))

    def _all_figures(self) -> Iterator[bytes]:
        context = self.context()
        return as_object(self.overview(context), "pools", pools(context))

    def screen(self) -> tuple[views.Json, Iterator[bytes]]:
        """What the newest rendering of the overview's live part is about, and its pieces."""
        pieces = self._screens.pieces(self._rendered)
        return self._shown, pieces

    def _rendered(self) -> Iterator[bytes]:
        context = self.context()
        self._shown = self.overview(context)
        return encoded(home.live(self._shown, pools(context), self.hour, control_socket(context.seen)))

    def hour(self, of: str, figure: str) -> list[float | None]:
        """The last hour of a figure, for the small lines of pages."""
        return self._chronicle.line(of, figure, self._control.moment().time)

    def generations(self, call: Call) -> Answer:
        """Newest first."""
        seen = self._control.snapshot()
        secrets, kept = audit.secrets_of(seen), list(seen.generations)
        return as_json([audit.generation_view(one, secrets) for one in kept[: -limit(call) - 1 : -1]])

    def generation(self, call: Call) -> Answer:
        """One of them."""
        seen = self._control.snapshot()
        found = next((one for one in seen.generations if str(one.number) == call.path["number"]), None)
        if found is None:
            raise Refusal(404, "No such generation; /api/v1/generations lists them", call.path["number"])
        return as_json(audit.generation_view(found, audit.secrets_of(seen)))

    def rule(self, call: Call) -> Answer:
        """By its number."""
        context = self.context()
        rule = objects.rule_of(context.seen.configuration, call.path["number"])
        return self._tagged(views.rule_view(rule, context), context.seen.generation)

    def processes(self, call: Call) -> Answer:
        """First the one that controls."""
        return as_json([asdict(one) for one in self._control.processes()])

    def layer4(self, call: Call) -> Answer:
        """Totals and counters; zeros while layer 4 does not run."""
        seen = self._control.snapshot()
        settings = seen.configuration.l4_settings or L4Settings()
        return self._tagged(views.packets_view(self._control.packets(), settings), seen.generation)

    def lvs(self, call: Call) -> Answer | Deferred[Answer]:
        """As the kernel's IPVS writes it."""
        return procfs.answer(self._control, call.path["table"])

    def request(self, call: Call) -> Answer | Deferred[Answer]:
        """By id."""
        found = self._control.trace(call.path["id"])
        if isinstance(found, Deferred):
            return found.addCallback(self._traced, call.path["id"])
        return self._traced(found, call.path["id"])

    def _traced(self, found: TraceRecord | None, identifier: str) -> Answer:
        if found is None:
            raise Refusal(404, "No such request is remembered; only the last ones are kept", identifier)
        return as_json(views.trace_view(found, self._control.snapshot()))

    def config(self, call: Call) -> Answer:
        """The merged ini."""
        tag = self._tags.headers(self._control.snapshot().generation)
        return as_text(self._control.config_text()).with_headers(*tag)


def control_socket(seen: RegistrySnapshot) -> str:
    """The path of the control socket."""
    return f"{seen.configuration.settings.state_dir or 'var'}/control.sock"


def refused_config(problems: Sequence[object]) -> Answer:
    """A reload that found errors: 409 with every one of them."""
    first = str(problems[0]) if problems else "the configuration cannot be used"
    answer = as_error(Refusal(409, f"nothing was changed: {first}", "config"))
    if len(problems) < 2:
        return answer
    return as_json(
        {"error": f"nothing was changed: {len(problems)} problems", "at": "config",
         "problems": [str(one) for one in problems]},
        409,
    )  # fmt: skip
