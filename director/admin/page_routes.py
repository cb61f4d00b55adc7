"""The routes that answer a browser: pages, the ways in and out, and what buttons send."""

from __future__ import annotations

from director.admin.route import CSV, FORM, HTML, OPEN, ApiRoute


def _page(name: str, path: str, summary: str, *query: tuple[str, str]) -> ApiRoute:
    return ApiRoute(name, "GET", path, summary, gives=HTML, query=query)


PAGES = (
    ApiRoute("static", "GET", "/static/{file}", "Style, script and icon of the pages.", OPEN, gives="*/*"),
    ApiRoute(
        "login_page",
        "GET",
        "/login",
        "A link with ?token= signs in once; without one, a form.",
        OPEN,
        gives=HTML,
        query=(("token", "the secret of a sign-in link"),),
        statuses=(200, 303, 403, 429),
    ),
    ApiRoute(
        "login",
        "POST",
        "/login",
        "Sign in with the form.",
        OPEN,
        takes=FORM,
        gives=HTML,
        statuses=(303, 403, 415, 429),
    ),
    ApiRoute("logout", "POST", "/logout", "Sign out.", takes=FORM, gives=HTML, statuses=(303, 403, 415)),
    ApiRoute(
        "home",
        "GET",
        "/",
        "The overview page.",
        gives=HTML,
        query=(("wall", "1 = for a screen that people pass by"),),
    ),
    _page("wiring_page", "/wiring", "From listener to server, with the traffic of now."),
    _page("pool_page", "/pools/{pool}", "A pool, its servers, and buttons to order them."),
    _page("server_page", "/pools/{pool}/{server}", "A server: its hour, its evidence, and buttons."),
    _page("rules_page", "/rules", "The rules with what they have caught."),
    _page(
        "requests_page",
        "/requests",
        "The last requests.",
        ("show", "fault, 5xx or failed (a try)"),
        *((name, f"only of this {name}") for name in ("service", "pool", "server", "rule")),
    ),
    _page(
        "why_page",
        "/why",
        "What would become of a request that nobody sends.",
        ("url", "such as http://www.example.org/"),
        ("method", "GET when not given"),
        ("client", "an address"),
        ("header", "one field, as NAME: VALUE"),
        ("down", "servers that shall seem down, as POOL/SERVER, with commas"),
    ),
    _page("request_page", "/requests/{id}", "How a request was decided."),
    _page(
        "connections_page",
        "/connections",
        "Flows of layer 4.",
        ("after", "only those older than the one with this id"),
        ("client", "an address or network"),
        ("service", "a service, by name or key"),
        ("server", "a server: NAME, POOL/NAME, or its address with or without port"),
    ),
    _page(
        "events_page",
        "/events",
        "What happened, and who changed what.",
        ("who", "only changes of who is named so, or came from there"),
        ("level", "only events of this level or a graver one: warning, error"),
    ),
    _page("change_page", "/changes/{number}", "A change, before and after, and what undoing it would do."),
    ApiRoute(
        "download",
        "GET",
        "/csv/{sheet}",
        "A table as comma-separated values: servers.csv, requests.csv, ...",
        gives=CSV,
        query=(("pool", "only of this pool"), ("show", "of requests: fault, 5xx or failed")),
        statuses=(200, 404),
    ),
    _page("schedulers_page", "/schedulers", "Who chooses for whom, and how."),
    _page("access_page", "/access", "Who is signed in, and the API tokens."),
    _page("faults_page", "/faults", "Faults and drills, with buttons."),
    _page("drill_page", "/drills/{run}", "A run of a drill and its sheet, or the last run of a drill."),
    _page("config_page", "/config", "The merged ini.", ("look", "1 = and what is to be said of the file")),
    ApiRoute(
        "act",
        "POST",
        "/act",
        "What a button of a page asks for; the role is that of the order.",
        takes=FORM,
        gives=HTML,
        statuses=(303, 400, 403, 409, 412, 415),
    ),
)

ENTRANCES = frozenset({"static", "login_page", "login", "logout"})
"""Answered by the gate itself."""
