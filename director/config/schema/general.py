"""Sections for the program itself and for what its services share.

These are director, admin, users, pages, certificates, demo servers, schedulers of the user's own and
tests of the configuration.
"""

from __future__ import annotations

import re

from director.config.parse import actions, schedulers, units, values
from director.config.schema.shape import Key, Kind
from director.config.text.messages import BadValue
from director.config.text.reader import Value


def _workers(text: str) -> int:
    """`auto` is -1: as many as there are processors."""
    return -1 if text == "auto" else units.count(text, 0, 1024)


def _access_log(value: Value) -> str:
    return value.text if value.text in {"stdout", "off"} else values.path(value)


def _password(text: str) -> str:
    if not re.fullmatch(r"\$argon2(?:id|i|d)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[^$]+\$[^$]+", text):
        raise BadValue("not an argon2 hash", "make one with: director passwd NAME")
    return text


def _content_type(text: str) -> str:
    if not re.fullmatch(
        r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:\s*;\s*[A-Za-z0-9_-]+=[^\s;]+)*", text
    ):
        raise BadValue("not a media type", "write one such as text/html; charset=utf-8")
    return text


DIRECTOR = Kind(
    "director",
    "",
    "The program as a whole. It may stand in several files, each setting other keys.",
    (
        Key(
            "name",
            "name",
            values.NAME,
            "The name of this director: in the log, in `Via`, on the pages.",
            default="director",
            example="edge-1",
        ),
        Key(
            "state_dir",
            "path",
            values.PATH,
            "Where runtime changes, the token and the control socket live. Without it nothing is kept "
            "over a restart and the commands find no socket.",
            example="../var",
            path=True,
        ),
        Key(
            "workers",
            "number or `auto`",
            values.on_text(_workers),
            "How many processes serve layer 7 beside the one that controls them; layer 4 has one of its own "
            "then. `auto` = one for each processor that the director may use, 0 = everything in one process, "
            "for small machines. None is started for a layer without services. Read at the start.",
            default="auto",
            example="4",
        ),
        Key(
            "log",
            "`text` or `json`",
            values.choice("text", "json"),
            "The form of events and of the access log.",
            default="text",
            example="json",
        ),
        Key(
            "access_log",
            "path, `stdout` or `off`",
            _access_log,
            "Where the record of each request goes.",
            default="stdout",
            example="/var/log/director/access.log",
            path=True,
        ),
        Key(
            "trace",
            "number",
            values.count(0, 1_000_000),
            "How many decisions are kept for `director why` and the live page; the oldest is dropped.",
            default="4096",
            example="20000",
        ),
        Key(
            "shutdown_grace",
            "duration",
            values.duration(0.0, 86400.0),
            "How long a stop waits for requests and connections that are under way.",
            default="10s",
            example="30s",
        ),
        Key(
            "drills",
            "`allowed` or `refused`",
            values.choice("allowed", "refused"),
            "Whether faults may be injected here, by `director fault start` and by drills. Where it is not "
            "allowed, every attempt is refused.",
            default="refused",
            example="allowed",
        ),
        Key(
            "include",
            "list of paths and patterns",
            values.on_text(lambda text: text),
            "More files to read. A pattern may match nothing; a plain path must exist.",
            example="conf.d/*.ini",
            path=True,
        ),
    ),
)

ADMIN = Kind(
    "admin",
    "",
    "The web admin, the API and the metrics. Without this section there is none of them.",
    (
        Key(
            "listen",
            "address",
            values.listener,
            "Where it listens. Only this machine's own addresses and unix sockets are allowed.",
            default="127.0.0.1:8404",
            example="[::1]:8404",
        ),
    ),
)

USER = Kind(
    "user",
    "NAME",
    "Somebody who may sign in to the admin.",
    (
        Key(
            "password",
            "argon2 hash",
            values.on_text(_password),
            "The hash that `director passwd NAME` prints; the password itself is not written down.",
            example="$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g",
            required=True,
        ),
        Key(
            "role",
            "`viewer`, `operator` or `admin`",
            values.choice("viewer", "operator", "admin"),
            "What they may do: look; also drain, weigh and drill; also change what exists.",
            default="viewer",
            example="operator",
        ),
    ),
)

PAGE = Kind(
    "page",
    "NAME",
    "A page that the director serves itself, as a step of `fault =`. Read at start and at reload.",
    (
        Key(
            "file",
            "path",
            values.PATH,
            "The page, at most 1 MB.",
            example="sorry.html",
            required=True,
            path=True,
        ),
        Key(
            "content_type",
            "media type",
            values.on_text(_content_type),
            "What the page is.",
            default="text/html; charset=utf-8",
            example="application/json",
        ),
        Key(
            "status",
            "status",
            values.on_text(lambda text: values.status(text, 200)),
            "The status it is served with; without it that of the cause: 503 when no server could take the "
            "request, 502 for no response or none that is one, 504 for none in time.",
            example="503",
        ),
        Key(
            "retry_after",
            "duration",
            values.duration(1.0, 86400.0 * 30),
            "What `Retry-After` tells the client; without it the field is not sent.",
            example="10s",
        ),
    ),
)

DEMO = Kind(
    "demo",
    "NAME",
    "An embedded demo server: it answers with its name and the request that it saw. To any path, `?slow=2s` "
    "lets it wait, `?fail=503` fail, `?size=10k` send so much, and `?hang` never answer.",
    (
        Key(
            "listen", "address", values.listener, "Where it listens.", example="127.0.0.1:9001", required=True
        ),
        Key(
            "tls",
            "`yes` or `no`",
            values.SWITCH,
            "Whether it speaks TLS. Its certificate is good for `localhost` and its address of loopback, and "
            "signed by `etc/drills/demo-ca.pem`, whose key everybody has.",
            default="no",
            example="yes",
        ),
    ),
)

SCHEDULER = Kind(
    "scheduler",
    "NAME",
    "A scheduler of your own; `scheduler = NAME` then uses it. Loaded at start and at reload.",
    (
        Key(
            "python",
            "`FILE.py:CLASS`",
            schedulers.python_class,
            "The class, as the documentation of schedulers describes it.",
            example="schedulers.py:Tenant",
            required=True,
            path=True,
        ),
        Key(
            "budget",
            "duration",
            values.duration(1e-6, 1.0),
            "How long one choice may take. A scheduler that raises or is slower is replaced by `wlc`, "
            "with an event.",
            default="50us",
            example="100us",
        ),
    ),
)

TEST = Kind(
    "test",
    "TITLE",
    "A request and the decision it must get. A start or reload is refused when a test fails.",
    (
        Key(
            "request",
            "`METHOD URI`",
            values.on_text(actions.request),
            "The request.",
            example="GET http://img.example.org/a.png",
            required=True,
        ),
        Key(
            "header",
            "`Name: value` lines",
            values.FIELDS,
            "Its header fields, one on each line.",
            example="X-Tenant: 7",
        ),
        Key("header.NAME", "text", lambda value: value.text, "One header field.", example="7"),
        Key("client", "IP address", values.on_text(actions.client), "The client.", example="10.1.2.3"),
        Key(
            "down",
            "list of POOL/SERVER",
            values.on_text(actions.down),
            "Servers that are down for this test alone.",
            example="web/a, web/b",
        ),
        Key(
            "expect",
            "list",
            values.on_text(actions.expectations),
            "What must come out: "
            + ", ".join(f"`{word}`" for word in actions.EXPECTED)
            + ", each with a value.",
            example="rule images, pool images",
            required=True,
        ),
    ),
)

KINDS = (DIRECTOR, ADMIN, USER, PAGE, DEMO, SCHEDULER, TEST)
