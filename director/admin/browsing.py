"""The pages' routes: each public method answers the route of that name with a page of `pages`.

What a page shows comes from the API's view model; what its buttons do is an order of the API, asked with the
same rights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, cast

from attrs import asdict, evolve
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred

from director.admin import audit, edits, overview, views
from director.admin.accounts import ADMIN, OPERATOR, may
from director.admin.answers import Answer, Refusal, as_html, as_page, encoded, see_other
from director.admin.api import Api, Call, connection_query
from director.admin.control import Control, TraceRecord
from director.admin.pages import acts, config, connections, events, home, pool, requests, rules, story, wiring
from director.admin.pages.frame import Viewer
from director.admin.requests import form
from director.admin.routes import ROUTES
from director.config.text.messages import Problem, render_one
from director.errors import DirectorError
from director.model.virtual import L4Settings
from director.registry.rehearsal import rehearse
from director.registry.reports import ConnectionPage

SHOWN = 200
"""Requests, events and flows on a page."""
LOOKED_THROUGH = 1000
"""Requests among which a filter looks."""

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

    def _viewer(self, call: Call) -> Viewer:
        who = call.principal
        name = self._control.snapshot().configuration.settings.name
        return Viewer(name, who.csrf, who.author, may(who.role, OPERATOR), may(who.role, ADMIN))

    # -- pages --

    def home(self, call: Call) -> Answer:
        """The overview, in pieces: it may be long."""
        shown, live = self._api.screen()
        before, behind = home.home(shown, self._viewer(call), wall="wall" in call.query)
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
        weights = sum(one.weight for one in found.servers if one.eligible)
        return as_html(pool.pool(overview.pool(found, context), weights, self._viewer(call)))

    def rules_page(self, call: Call) -> Answer:
        """All rules."""
        context = self._api.context()
        found = sorted(context.seen.configuration.rules, key=_number)
        return as_html(rules.rules([views.rule_view(one, context) for one in found], self._viewer(call)))

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
        happened = [views.event_view(one) for one in self._control.events(SHOWN)]
        seen = self._control.snapshot()
        secrets = audit.secrets_of(seen)
        changes = [audit.generation_view(one, secrets) for one in seen.generations[: -SHOWN - 1 : -1]]
        return as_html(events.events(happened, changes, self._viewer(call)))

    def config_page(self, call: Call) -> Answer | Deferred[Answer]:
        """The merged ini, and with `look` what is to be said of the file."""
        viewer, text = self._viewer(call), self._control.config_text()
        if "look" not in call.query:
            return as_html(config.config(text, None, viewer))
        seen = self._control.snapshot()
        checking: Deferred[Any] = maybeDeferred(cast("Any", self._control.check_config))
        rehearsing = self._control.rehearse_reload(call.author).addCallbacks(
            lambda found: (list(rehearse(seen, found.changes).diff), ""),
            lambda failure: ([], _why(failure.value)),
        )

        def looked(found: list[Any]) -> Answer:
            problems, (diff, refused) = found
            said = {"problems": [_problem(one) for one in problems], "diff": diff, "refused": refused}
            return as_html(config.config(text, said, viewer))

        return gatherResults([checking, rehearsing], consumeErrors=True).addCallback(looked)

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
        order = evolve(call, path=path, query={}, body=body)
        done = maybeDeferred(cast("Any", self._orders(wanted.route)), order)
        return done.addCallback(lambda _: see_other(wanted.back(asked)))


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
