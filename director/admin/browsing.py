"""The pages' routes: each public method answers the route of that name with a page of `pages`.

What a page shows comes from the API's view model; what its buttons do is an order of the API, asked with the
same rights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, cast

from attrs import asdict, evolve
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred

from director.admin import audit, edits, overview, proofs, views
from director.admin.accounts import ADMIN, OPERATOR, may
from director.admin.answers import Answer, Refusal, as_html, as_page, encoded, see_other
from director.admin.api import Api, Call, Tags, connection_query, control_socket
from director.admin.control import Control, Rehearsed, TraceRecord
from director.admin.pages import (
    access,
    acts,
    changes,
    config,
    connections,
    events,
    faults,
    home,
    pool,
    requests,
    rules,
    schedulers,
    server,
    sheet,
    story,
    why,
    wiring,
)
from director.admin.pages.orders import Others
from director.admin.pages.viewer import Notices, Viewer
from director.admin.rehearsals import drills_view, run_view, sheet_view
from director.admin.reloads import waiting_view
from director.admin.requests import form
from director.admin.routes import ROUTES
from director.admin.views import ViewContext
from director.conditions.shadowing import hidden
from director.config.text.messages import Problem, render_one
from director.errors import ChangeRefused, DirectorError
from director.model.http import Rule
from director.model.virtual import L4Settings
from director.registry.rehearsal import rehearse
from director.registry.reports import ConnectionPage
from director.registry.snapshot import PoolSnapshot

SHOWN = 200
"""Requests, events and flows on a page."""
LOOKED_THROUGH = 1000
"""Requests among which a filter looks."""
COMPARED = 200
"""Rules that are held against each other at each look; `director check` holds all of them."""
NOTHING_FORESEEN: views.Json = {"diff": [], "changes": [], "replay": {"replayed": 0}}

Method = Callable[[Call], "Answer | Deferred[Answer]"]


class Pages:
    """All routes that answer with a page, but for the ways in and out.

    Args:
        orders: what carries out a button's order: the methods of the API by their routes' names.
    """

    def __init__(self, api: Api, control: Control, orders: Callable[[str], Method]) -> None:
        self._api = api
        self._control = control
        self._orders = orders
        self._tags = Tags(control)

    def _viewer(self, call: Call) -> Viewer:
        who, seen = call.principal, self._control.snapshot()
        return Viewer(
            seen.configuration.settings.name,
            who.csrf,
            who.author,
            may(who.role, OPERATOR),
            may(who.role, ADMIN),
            self._notices(),
            control_socket(seen),
            self._tags.tag(seen.generation),
            wall="wall" in call.query,
        )

    def _notices(self) -> Notices:
        control = self._control
        moment, waiting = control.moment(), control.waiting()
        running = [one for one in control.rehearsals.states() if one.running is not None]
        drill = next((one for one in control.drills.runs() if one.running), None)
        return Notices(
            tuple(views.fault_view(one, moment) for one in running),
            run_view(drill) if drill else None,
            waiting_view(waiting) if waiting else None,
        )

    # -- pages --

    def home(self, call: Call) -> Answer:
        """The overview, in pieces: it may be long."""
        shown, live = self._api.screen()
        before, behind = home.home(shown, self._viewer(call))
        return as_page(chain(encoded([before]), live, encoded([behind])))

    def wiring_page(self, call: Call) -> Answer:
        """From listener to server."""
        context = self._api.context()
        seen = context.seen
        found = wiring.wired(
            [views.service_view(live, context) for live in seen.services.values()],
            [views.rule_view(rule, context) for rule in sorted(seen.configuration.rules, key=_number)],
            list(overview.pools(context)),
        )
        return as_html(wiring.wiring(found, self._viewer(call)))

    def pool_page(self, call: Call) -> Answer:
        """One pool."""
        context = self._api.context()
        found = context.seen.pools.get(call.path["pool"])
        if found is None:
            raise Refusal(404, "No such pool; it may have been removed", call.path["pool"])
        view = overview.pool(found, context)
        return as_html(pool.pool(view, together(found, context), self._viewer(call), self._api.hour))

    def server_page(self, call: Call) -> Answer:
        """One server."""
        context, names = self._api.context(), call.path
        found = context.seen.server(names["pool"], names["server"])
        if found is None:
            text = "No such server; it may have been removed"
            raise Refusal(404, text, f"{names['pool']}/{names['server']}")
        evidence = proofs.evidence_view(self._control.proofs(found.pool, found.address), context.moment)
        others = together(context.seen.pools[found.pool], context)
        view = views.server_view(found, context)
        return as_html(server.server(view, evidence, others, self._api.hour, self._viewer(call)))

    def rules_page(self, call: Call) -> Answer:
        """All rules."""
        context = self._api.context()
        found = sorted(context.seen.configuration.rules, key=_number)
        hides = {later.name: f"rule {earlier.name}" for later, earlier in _hidden(found)}
        shown = [views.rule_view(one, context) for one in found]
        return as_html(rules.rules(shown, self._viewer(call), hides, self._hit()))

    def _hit(self) -> dict[str, float]:
        """How many seconds ago each rule matched, among the requests that are remembered."""
        now, found = self._control.moment().time, dict[str, float]()
        for trace in self._control.traces(LOOKED_THROUGH):
            found.setdefault(trace["rule"], max(0.0, now - trace["time"]))
        return found

    def requests_page(self, call: Call) -> Answer:
        """The last requests that a filter lets through."""
        seen = self._control.snapshot()
        found = []
        for trace in self._control.traces(LOOKED_THROUGH):
            if requests.wanted(dict(trace), call.query):
                found.append(views.trace_view(trace, seen))
                if len(found) == SHOWN:
                    break
        return as_html(requests.requests(found, call.query, self._viewer(call)))

    def request_page(self, call: Call) -> Answer | Deferred[Answer]:
        """One request; one that is not remembered has a page, too."""
        found = self._control.trace(call.path["id"])
        if isinstance(found, Deferred):
            return found.addCallback(self._told, call)
        return self._told(found, call)

    def _told(self, found: TraceRecord | None, call: Call) -> Answer:
        if found is None:
            return as_html(story.forgotten(call.path["id"]), 404)
        return as_html(story.request(views.trace_view(found, self._control.snapshot()), self._viewer(call)))

    def why_page(self, call: Call) -> Answer:
        """A request that nobody sent, decided as the API decides it."""
        asked = {name: call.query.get(name, "").strip() for name in why.FIELDS}
        viewer = self._viewer(call)
        if not asked["url"]:
            return as_html(why.why(asked, None, "", viewer))
        order = evolve(call, query={}, path={}, body=json.dumps(why.order(asked)).encode())
        try:
            found = self._answered(order, "explain")
        except (Refusal, edits.BadOrder) as refused:
            return as_html(why.why(asked, None, str(refused), viewer))
        return as_html(why.why(asked, found, "", viewer))

    def connections_page(self, call: Call) -> Answer | Deferred[Answer]:
        """Flows of layer 4."""
        asked = {name: value for name, value in call.query.items() if value}
        wanted = connection_query(evolve(call, query={**asked, "limit": str(SHOWN)}))
        found = self._control.connections(wanted)
        if isinstance(found, Deferred):
            return found.addCallback(self._listed, asked, call)
        return self._listed(found, asked, call)

    def _listed(self, found: ConnectionPage, asked: Mapping[str, str], call: Call) -> Answer:
        settings = self._control.snapshot().configuration.l4_settings or L4Settings()
        whole = views.packets_view(self._control.packets(), settings)
        entries = [asdict(one) for one in found.entries]
        more = "" if found.more is None else str(found.more)
        return as_html(connections.connections(entries, whole, asked, more, self._viewer(call)))

    def events_page(self, call: Call) -> Answer:
        """Events and changes."""
        asked = call.query
        happened = [views.event_view(one) for one in self._control.events(LOOKED_THROUGH)]
        happened = [one for one in happened if events.severe(one, asked.get("level", ""))][:SHOWN]
        seen = self._control.snapshot()
        secrets = audit.secrets_of(seen)
        made = [audit.generation_view(one, secrets) for one in seen.generations[: -SHOWN - 1 : -1]]
        made = [one for one in made if events.by(one, asked.get("who", ""))]
        return as_html(events.events(happened, made, self._viewer(call), asked))

    def faults_page(self, call: Call) -> Answer:
        """Faults and drills."""
        control = self._control
        moment, allowed = control.moment(), control.snapshot().configuration.settings.drills
        found = [views.fault_view(one, moment) for one in control.rehearsals.states()]
        return as_html(faults.faults(found, drills_view(control.drills), self._viewer(call), allowed=allowed))

    def drill_page(self, call: Call) -> Answer:
        """One run of a drill, or the last one of the drill of that name."""
        desk, name = self._control.drills, call.path["run"]
        told = desk.run_of(name)
        if told is None:
            return as_html(sheet.forgotten(name), 404)
        plan = next((one for one in drills_view(desk) if one["name"] == told.drill), None)
        passed = max(0.0, self._control.moment().time - told.began)
        return as_html(sheet.run(sheet_view(told), plan, passed, self._viewer(call)))

    def change_page(self, call: Call) -> Answer:
        """One generation, and what taking it back would change now."""
        seen, number = self._control.snapshot(), call.path["number"]
        found = next((one for one in seen.generations if str(one.number) == number), None)
        if found is None:
            return as_html(changes.forgotten(number), 404)
        back, why = self._back(found.number)
        view = audit.generation_view(found, audit.secrets_of(seen))
        return as_html(changes.change(view, back, why, self._viewer(call)))

    def _back(self, number: int) -> tuple[list[str], str]:
        """What taking a generation back would change now, or why it cannot be."""
        try:
            made = rehearse(self._control.snapshot(), self._control.rehearse_undo(number))
        except ChangeRefused as refused:
            return [], str(refused)
        return list(made.diff), ""

    def schedulers_page(self, call: Call) -> Answer:
        """All of them, and for whom they choose."""
        found = self._answered(evolve(call, query={}, path={}), "schedulers")
        return as_html(schedulers.schedulers(found, self._viewer(call)))

    def access_page(self, call: Call) -> Answer:
        """Sessions and tokens, as the API tells them to who asks."""
        asked = evolve(call, query={}, path={})
        tokens = self._answered(asked, "tokens") if may(call.principal.role, ADMIN) else None
        return as_html(access.access(self._answered(asked, "sessions"), tokens, self._viewer(call)))

    def _answered(self, call: Call, route: str) -> Any:
        """What the API says at once to who asks."""
        return json.loads(cast("Answer", self._orders(route)(call)).body)

    def config_page(self, call: Call) -> Answer | Deferred[Answer]:
        """The merged ini, and with `look` what is to be said of the file."""
        viewer, text = self._viewer(call), self._control.config_text()
        if "look" not in call.query:
            return as_html(config.config(text, None, viewer))
        checking: Deferred[Any] = maybeDeferred(cast("Any", self._control.check_config))
        rehearsing = self._control.rehearse_reload(call.author).addCallbacks(
            self._foreseen, lambda failure: {**NOTHING_FORESEEN, "refused": _why(failure.value)}
        )

        def looked(found: list[Any]) -> Answer:
            problems, foreseen = found
            said = {"problems": [_problem(one) for one in problems], **foreseen}
            return as_html(config.config(text, said, viewer))

        return gatherResults([checking, rehearsing], consumeErrors=True).addCallback(looked)

    def _foreseen(self, found: Rehearsed) -> views.Json:
        """What a reload would change, and for whom."""
        seen = self._control.snapshot()
        made = rehearse(seen, found.changes)
        return {
            "diff": list(made.diff),
            "changes": audit.changes(made, audit.secrets_of(seen)),
            "replay": asdict(found, filter=lambda one, _: one.name != "changes"),
            "refused": "",
        }

    # -- buttons --

    def act(self, call: Call) -> Answer | Deferred[Answer]:
        """Carry out what a button asks for, and show the page again."""
        asked = form(call.body)
        wanted = acts.act(asked)
        route = next(one for one in ROUTES if one.name == wanted.route)
        if not may(call.principal.role, route.access):
            raise Refusal(
                403, f"this needs the role {route.access}; you are {call.principal.role}", route.path
            )
        body = b"" if wanted.body is None else json.dumps(wanted.body(asked)).encode()
        path = {name: asked[name] for name in wanted.path}
        order = evolve(call, path=path, query=wanted.query(asked), body=body, if_match=asked.get("seen", ""))
        done = maybeDeferred(cast("Any", self._orders(wanted.route)), order)
        return done.addCallback(lambda _: see_other(wanted.back(asked)))


def together(pool: PoolSnapshot, context: ViewContext) -> Others:
    """What all servers of a pool do, for the forecast of a share."""
    ready = [one for one in pool.servers if one.eligible]
    rates = [context.rates.per_second(pool.name, one.name) for one in pool.servers]
    known = [one for one in rates if one is not None]
    return Others(sum(one.weight for one in ready), sum(known) if known else None, pool.config.scheduler.name)


def _hidden(found: Sequence[Rule]) -> list[tuple[Rule, Rule]]:
    """Rules that never can match, each with the one that takes all of it; of very many nobody is asked."""
    of_service: dict[str, list[Rule]] = {}
    for one in found if len(found) <= COMPARED else ():
        of_service.setdefault(one.service, []).append(one)
    return [pair for several in of_service.values() for pair in hidden(several)]


def _number(rule: Any) -> int:
    number: int = rule.number
    return number


def _why(error: BaseException) -> str:
    """Why a reload would be refused.  Raises what is a fault of ours."""
    if isinstance(error, DirectorError | OSError | edits.BadOrder):
        return str(error)
    raise error


def _problem(one: Problem) -> Mapping[str, str]:
    return {"severity": one.severity, "text": render_one(one)}
