"""Every route of the admin, once, as data.

`resource` builds Klein's router from it, `openapi` the description, the tests their
matrices.  The name of a route is the name of the method of `Api`, `Pages` or another part that answers.
"""

from __future__ import annotations

from director.admin import batch
from director.admin.accounts import ADMIN, OPERATOR
from director.admin.bodies import (
    DRILL_ORDER,
    EITHER,
    FAULT_ORDER,
    NAMED,
    NEW_SERVER,
    NEW_TOKEN,
    SERVER_ORDER,
    SET,
)
from director.admin.page_routes import ENTRANCES, PAGES
from director.admin.route import EVENT_STREAM, JSON, OPEN, TEXT, ApiRoute

ADDED = (201, 200, 403, 409, 412, 415)
CHANGED = (200, 403, 409, 412, 415)
REMOVED = (204, 200, 403, 409, 412)
LIMIT = ("limit", "how many, 1 to 1000; 50 when not given")
PAGED = (
    ("limit", "how many, 1 to 1000; all when not given. A Link header leads to the rest"),
    ("after", "the name (of services the key) of the last one that is known"),
)
DRY_RUN = ("dry_run", "1 = say what would be done, do nothing")


def _written(what: str, path: str, name: str, text: str) -> tuple[ApiRoute, ...]:
    """The routes that add, change and remove one kind of thing."""
    one, query = f"{path}/{name}", (DRY_RUN,)
    said = f"Add {text}.", f"Change {text}.", f"Remove {text}."
    return (
        ApiRoute(f"add_{what}", "POST", path, said[0], ADMIN, JSON, query=query, statuses=ADDED, body=NAMED),
        ApiRoute(
            f"change_{what}", "PATCH", one, said[1], ADMIN, JSON, query=query, statuses=CHANGED, body=SET
        ),
        ApiRoute(f"remove_{what}", "DELETE", one, said[2], ADMIN, query=query, statuses=REMOVED),
    )


ROUTES = (
    ApiRoute("healthz", "GET", "/healthz", "The process is alive.", OPEN, gives=TEXT),
    ApiRoute("readyz", "GET", "/readyz", "May traffic come? Reasons when not.", OPEN, statuses=(200, 503)),
    ApiRoute("metrics", "GET", "/metrics", "Prometheus text format 0.0.4.", OPEN, gives=TEXT),
    ApiRoute("openapi", "GET", "/openapi.json", "This description.", OPEN),
    *PAGES,
    ApiRoute("services", "GET", "/api/v1/services", "All services.", query=PAGED),
    ApiRoute(
        "service", "GET", "/api/v1/services/{service}", "One service, by key or by a name that is unique."
    ),
    ApiRoute("pools", "GET", "/api/v1/pools", "All pools with their servers.", query=PAGED),
    ApiRoute("pool", "GET", "/api/v1/pools/{pool}", "One pool with its servers."),
    ApiRoute("servers", "GET", "/api/v1/pools/{pool}/servers", "The servers of one pool.", query=PAGED),
    ApiRoute("server", "GET", "/api/v1/pools/{pool}/servers/{server}", "One server."),
    ApiRoute(
        "change_server",
        "PATCH",
        "/api/v1/pools/{pool}/servers/{server}",
        "Weight, thresholds, state.",
        OPERATOR,
        takes=JSON,
        query=(DRY_RUN,),
        statuses=(200, 403, 409, 412, 415),
        body=SERVER_ORDER,
    ),
    *_written("pool", "/api/v1/pools", "{pool}", "a pool"),
    ApiRoute(
        "add_server",
        "POST",
        "/api/v1/pools/{pool}/servers",
        "Add a server.",
        ADMIN,
        takes=JSON,
        query=(DRY_RUN,),
        statuses=ADDED,
        body=NEW_SERVER,
    ),
    ApiRoute(
        "remove_server",
        "DELETE",
        "/api/v1/pools/{pool}/servers/{server}",
        "Remove a server; one with work under way needs drain or force.",
        ADMIN,
        query=(
            DRY_RUN,
            ("drain", "wait so long for its work to end, such as 30s"),
            ("force", "1 = remove it all the same; what it holds goes on"),
        ),
        statuses=(*REMOVED, 504),
    ),
    *_written("service", "/api/v1/services", "{service}", "a service"),
    ApiRoute("rules", "GET", "/api/v1/rules", "All rules in order, with hits."),
    ApiRoute("rule", "GET", "/api/v1/rules/{number}", "One rule."),
    *_written("rule", "/api/v1/rules", "{number}", "a rule"),
    ApiRoute("schedulers", "GET", "/api/v1/schedulers", "The schedulers, and who uses them."),
    ApiRoute("checks", "GET", "/api/v1/checks", "Health evidence by check and address."),
    ApiRoute(
        "history",
        "GET",
        "/api/v1/history",
        "Figures of the last hour, every ten seconds, for graphs; null where nothing is known.",
        query=(
            ("of", "names with commas: l7:NAME, l4:NAME, POOL, POOL/SERVER, * for all; none = list them"),
            ("span", "how long back, up to 1h, such as 10m"),
        ),
    ),
    ApiRoute(
        "evidence",
        "GET",
        "/api/v1/checks/{pool}/{server}",
        "All that is known of a server's health: results, changes, and what led to them.",
    ),
    ApiRoute(
        "check_now",
        "POST",
        "/api/v1/checks/{pool}/{server}",
        "Make a server's checks at once.",
        OPERATOR,
        query=(DRY_RUN,),
        statuses=(200, 403),
    ),
    ApiRoute("stats", "GET", "/api/v1/stats", "The overview; with Accept: text/html as a page's piece."),
    ApiRoute(
        "events",
        "GET",
        "/api/v1/events",
        "What happened, as server-sent events; with after, limit or Accept: application/json a list, newest "
        "first.",
        streams=EVENT_STREAM,
        query=(LIMIT, ("after", "the id of the last event that is known")),
        statuses=(200, 503),
    ),
    ApiRoute("generations", "GET", "/api/v1/generations", "Who changed what, newest first.", query=(LIMIT,)),
    ApiRoute("generation", "GET", "/api/v1/generations/{number}", "One generation."),
    ApiRoute(
        "undo",
        "POST",
        "/api/v1/generations/{number}/undo",
        "Take back what a generation changed, and nothing later; an operator, their own.",
        OPERATOR,
        query=(DRY_RUN,),
        statuses=(200, 403, 409, 412),
    ),
    ApiRoute(
        "connections",
        "GET",
        "/api/v1/connections",
        "Layer-4 flows and templates, newest first; a Link header leads to the rest.",
        query=(
            LIMIT,
            ("after", "only those older than the one with this id"),
            ("client", "an address or network"),
            ("service", "a service, by name or key"),
            ("server", "a server: NAME, POOL/NAME, or its address with or without port"),
        ),
    ),
    ApiRoute("processes", "GET", "/api/v1/processes", "The processes of the director, and what each uses."),
    ApiRoute("layer4", "GET", "/api/v1/layer4", "Layer 4 as a whole: totals, rates, drops by reason."),
    ApiRoute(
        "lvs",
        "GET",
        "/api/v1/lvs/{table}",
        "A file of /proc/net: ip_vs, ip_vs_stats, ip_vs_conn, …",
        gives=TEXT,
    ),
    ApiRoute(
        "change_layer4",
        "PATCH",
        "/api/v1/layer4",
        "Change what holds for all of layer 4, the keys of [l4].",
        ADMIN,
        takes=JSON,
        query=(DRY_RUN,),
        statuses=CHANGED,
        body=SET,
    ),
    ApiRoute(
        "zero_all",
        "POST",
        "/api/v1/zero",
        "Traffic of all services and servers counts from 0 again; metrics go on.",
        OPERATOR,
        query=(DRY_RUN,),
        statuses=(200, 403),
    ),
    ApiRoute(
        "zero",
        "POST",
        "/api/v1/services/{service}/zero",
        "Traffic of a service and of the servers of its pool counts from 0 again; metrics go on.",
        OPERATOR,
        query=(DRY_RUN,),
        statuses=(200, 403),
    ),
    ApiRoute(
        "changes",
        "POST",
        "/api/v1/changes",
        "Several changes of pools, servers, services and rules as one: all or nothing, one generation.",
        ADMIN,
        takes=JSON,
        query=(DRY_RUN,),
        statuses=CHANGED,
        body=batch.BODY,
    ),
    ApiRoute(
        "requests",
        "GET",
        "/api/v1/requests",
        "Traces of the last thousand requests, newest first; a Link header leads to the rest.",
        query=(
            LIMIT,
            ("after", "only those older than the one with this id"),
            ("outcome", "how it ended: ok, fault, refused, ..."),
            ("status", "503, or 5xx"),
            ("service", "a service, by name or key"),
            ("rule", "a rule, by number or name"),
            ("pool", "a pool"),
            ("server", "a server that answered or was tried: NAME or POOL/NAME"),
        ),
    ),
    ApiRoute("request", "GET", "/api/v1/requests/{id}", "The trace of one request."),
    ApiRoute(
        "explain",
        "POST",
        "/api/v1/explain",
        "What would be decided for a request, or for a packet.",
        takes=JSON,
        statuses=(200, 403, 415),
        body=EITHER,
    ),
    ApiRoute(
        "make_link",
        "POST",
        "/api/v1/token/link",
        "A link that signs a browser in, once and within ten minutes.",
        ADMIN,
        query=(DRY_RUN,),
        statuses=(200, 403, 409),
    ),
    ApiRoute(
        "rotate_token",
        "POST",
        "/api/v1/token/rotate",
        "Make a new admin token; everybody signs in anew.",
        ADMIN,
        query=(DRY_RUN,),
        statuses=(200, 403, 409),
    ),
    ApiRoute(
        "tokens",
        "GET",
        "/api/v1/tokens",
        "The users' API tokens, without their texts.",
        ADMIN,
        statuses=(200, 403),
    ),
    ApiRoute(
        "add_token",
        "POST",
        "/api/v1/tokens",
        "Make an API token for a user; its text is in this answer alone.",
        ADMIN,
        takes=JSON,
        query=(DRY_RUN,),
        statuses=(201, 200, 403, 409, 415),
        body=NEW_TOKEN,
    ),
    ApiRoute(
        "remove_token",
        "DELETE",
        "/api/v1/tokens/{id}",
        "An API token ends.",
        ADMIN,
        query=(DRY_RUN,),
        statuses=(204, 200, 403, 409),
    ),
    ApiRoute("sessions", "GET", "/api/v1/sessions", "Who is signed in: all for an admin, else one's own."),
    ApiRoute(
        "end_session",
        "DELETE",
        "/api/v1/sessions/{id}",
        "Sign out; others, for an admin.",
        query=(DRY_RUN,),
        statuses=(204, 200, 403),
    ),
    ApiRoute("faults", "GET", "/api/v1/faults", "Faults that can be injected, and what runs of them."),
    ApiRoute(
        "start_fault",
        "POST",
        "/api/v1/faults",
        "Inject a fault of the configuration, for its ttl or another.",
        OPERATOR,
        takes=JSON,
        query=(DRY_RUN,),
        statuses=(201, 200, 403, 404, 415),
        body=FAULT_ORDER,
    ),
    ApiRoute(
        "stop_fault",
        "DELETE",
        "/api/v1/faults/{fault}",
        "End a fault before its time.",
        OPERATOR,
        query=(DRY_RUN,),
        statuses=(204, 200, 403),
    ),
    ApiRoute("drills", "GET", "/api/v1/drills", "Drills of the configuration, with their last runs."),
    ApiRoute(
        "run_drill",
        "POST",
        "/api/v1/drills",
        "Begin a drill; Location leads to its run.",
        OPERATOR,
        takes=JSON,
        query=(DRY_RUN,),
        statuses=(201, 200, 403, 404, 409, 415),
        body=DRILL_ORDER,
    ),
    ApiRoute("drill", "GET", "/api/v1/drills/{run}", "The sheet of a run, or of the last run of a drill."),
    ApiRoute(
        "stop_drill",
        "DELETE",
        "/api/v1/drills/{run}",
        "End a run now.",
        OPERATOR,
        query=(DRY_RUN,),
        statuses=(204, 200, 403),
    ),
    ApiRoute("config", "GET", "/api/v1/config", "The merged configuration.", gives=TEXT),
    ApiRoute(
        "check_config",
        "POST",
        "/api/v1/config/check",
        "Check the configuration file; apply nothing.",
        OPERATOR,
        statuses=(200, 403, 504),
    ),
    ApiRoute(
        "reload",
        "POST",
        "/api/v1/config/reload",
        "Apply the configuration file; with confirm it is undone unless it is confirmed in time.",
        ADMIN,
        query=(
            DRY_RUN,
            ("confirm", "undo it after this time, such as 60s, unless config/confirm is asked before"),
            ("guard", "undo it at once when this is crossed; off, or such as: 5xx > 20%, healthy < 50%"),
        ),
        statuses=(200, 403, 409, 412, 504),
    ),
    ApiRoute(
        "upgrade",
        "POST",
        "/api/v1/upgrade",
        "Let a new program, as it is installed now, take this one's place; answered when it serves.",
        ADMIN,
        query=(DRY_RUN,),
        statuses=(200, 403, 409, 504),
        patience=2.8,
    ),
    ApiRoute("unconfirmed", "GET", "/api/v1/config/confirm", "The reload that waits for its confirmation."),
    ApiRoute(
        "confirm",
        "POST",
        "/api/v1/config/confirm",
        "Confirm the reload that waits.",
        ADMIN,
        query=(DRY_RUN,),
        statuses=(200, 403, 409),
    ),
)

NOT_THE_API = ENTRANCES | {route.name for route in PAGES}
