"""What services and rules of layer 7 do: fault steps, redirects, answers, header edits, hash keys, tests.

Parsers for the tables of `schema.l7` and of `[test:…]`; each raises `BadValue` at the wrong word.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from director.conditions.facts import PLAIN
from director.config.parse import units
from director.config.parse.addresses import address, network
from director.config.parse.values import (
    field_name,
    listed,
    local_path,
    name,
    networks,
    one_of,
    status,
    unique,
    within,
    words,
)
from director.config.text.messages import BadValue
from director.config.text.reader import Value
from director.model.http import FAULT_CAUSES, Children, FaultStep, HeaderEdit
from director.model.pools import Network

_STEPS = "steps: active, pool NAME, local ADDRESS, page NAME"
_REDIRECTS = ("301", "302", "303", "307", "308")
_GROUP = re.compile(r"\$(?:\{([^}]*)(\}?)|([0-9])|\$)")
_HASH = re.compile(r"(header|cookie|query)\s+(\S+)\Z|([a-z]+)\.([A-Za-z0-9_]+)\Z|([a-z]+)\Z")
EXPECTED = ("rule", "pool", "server", "status", "location", "fault", "service", "scheduler")
"""What `expect` of a `[test:…]` can name."""


def fault(value: Value) -> tuple[tuple[int, FaultStep], ...]:
    """`active, pool NAME, local ADDRESS, page NAME`: (offset of the step's name, step)."""
    found = []
    for entry in re.finditer(r"[^,\n]+", value.text):
        parts = [(entry.start() + at, word) for at, word in words(entry[0])]
        if parts:
            found.append(_step(value, parts))
    if not found:
        raise BadValue("no step", _STEPS)
    return tuple(found)


def fault_on(text: str) -> tuple[str, ...]:
    """`no_server, timeout`: the causes, each once."""
    found = [(at, within(at, lambda word: one_of(word, FAULT_CAUSES), word)) for at, word in listed(text)]
    if not found:
        raise BadValue("no cause", f"known: {' '.join(FAULT_CAUSES)}")
    return unique(found)


def _step(value: Value, parts: list[tuple[int, str]]) -> tuple[int, FaultStep]:
    at, kind = parts[0]
    within(at, lambda word: one_of(word, ("active", "pool", "local", "page")), kind)
    wanted = 1 if kind == "active" else 2
    if len(parts) < wanted:
        raise BadValue(f"{kind} of what?", _STEPS, at)
    if len(parts) > wanted:
        raise BadValue(f"unexpected {parts[wanted][1]!r}", "put a comma between two steps", parts[wanted][0])
    if kind == "active":
        return at, FaultStep(kind)
    at, word = parts[1]
    if kind == "local":
        return at, FaultStep(kind, address=local_path(value, within(at, address, word)))
    return at, FaultStep(kind, within(at, name, word))


def proxy_protocol(text: str) -> tuple[Network, ...]:
    """`from NETWORK …`."""
    found = re.match(r"from\s+(?=\S)", text)
    if not found:
        raise BadValue("expected from and networks", "write from 10.0.0.0/8: only these may send the header")
    return within(found.end(), networks, text[found.end() :])


def redirect(text: str) -> tuple[int, str]:
    """`301 https://example.org/new` as (status, location template)."""
    found = words(text)
    if len(found) != 2:
        raise BadValue("expected STATUS LOCATION", "write 302 https://example.org/$1")
    if found[0][1] not in _REDIRECTS:
        raise BadValue(f"{found[0][1]} is no redirect", "statuses: " + " ".join(_REDIRECTS))
    within(found[1][0], _location, found[1][1])
    return int(found[0][1]), found[1][1]


_NO_AUTHORITY = re.compile(r"(?i)(https?|wss?|ftp):(?!//[^/?#])")
"""What browsers read as a host all the same, however many slashes stand there (WHATWG URL 4.4)."""


def _location(text: str) -> None:
    """A location that says what it seems to say."""
    _ascii(text, 0)
    bad = re.search(r'[\\"<>`{}|^]', re.sub(r"\$\{[^}]*\}?", lambda found: "$" * len(found[0]), text))
    if bad:
        raise BadValue(f"{bad[0]!r} in a location", f"write %{ord(bad[0]):02X}", bad.start())
    scheme = _NO_AUTHORITY.match(text)
    if scheme:
        raise BadValue("a host is missing", f"write {scheme[1]}://HOST/PATH, or /PATH alone", scheme.end())


def respond(text: str) -> tuple[int, str]:
    """`403 TEXT` as (status, text); the text may be empty."""
    number, _, rest = text.partition(" ")
    return status(number, 200), rest.strip()


def rewrite_path(text: str) -> str:
    """A path template; `$1` and `$${name}` are captured groups."""
    if text[0] not in "/$":
        raise BadValue("a path begins with /", f"write /{text}")
    if re.search(r"\s", text):
        raise BadValue("a space in a path", "write %20", re.search(r"\s", text).start())  # type: ignore[union-attr]
    query = re.search(r"[?#]", text)
    if query:
        hint = "remove it; the query goes on as it was sent, and a ? of the path itself is %3F"
        raise BadValue("rewrite_path is about the path alone", hint, query.start())
    climbs = CLIMBS.search(text)
    if climbs:
        raise BadValue("a dot segment in a path", "write the path that it leads to", climbs.start())
    _ascii(text, 0)
    return text


CLIMBS = re.compile(r"(?i)(?:/|%2f|%5c)(?:\.|%2e){1,2}(?=/|%2f|%5c|$)")
"""A dot segment in any spelling; `l7.rewrite` refuses every request for which one comes out."""


def _ascii(text: str, at: int) -> None:
    if not text.isascii():
        start = next(index for index, letter in enumerate(text) if not letter.isascii())
        raise BadValue("not ASCII", "write other characters as %XX", at + start)


def template_groups(text: str) -> list[tuple[int, str]]:
    """(offset, group) that a template names (`$$` is a dollar sign); raises `BadValue` for one not closed."""
    found = []
    for part in _GROUP.finditer(text):
        if part[0] == "$$":
            continue
        if part[1] is not None and not part[2]:
            raise BadValue("${ without }", "close the name of the group", part.start())
        found.append((part.start(), part[3] or part[1] or ""))
    return found


def edits(verb: str, text: str) -> tuple[HeaderEdit, ...]:
    """One `Name: value` on each line; for `del` names alone, commas or lines between."""
    found = []
    for entry in re.finditer(r"[^,\n]+" if verb == "del" else r"[^\n]+", text):
        head, colon, rest = entry[0].partition(":")
        if verb != "del" and not colon:
            raise BadValue(
                f"not a header field: {entry[0]!r}", "write Name: value, one on each line", entry.start()
            )
        field = within(entry.start(), field_name, head.strip())
        if field.lower().replace("_", "-") in _UNTOUCHABLE:
            hint = "the director frames each message by itself"
            raise BadValue(f"{field} cannot be changed by a rule", hint, entry.start())
        if field.lower() == "host" and verb != "set":
            hint = "a request has exactly one; write set_header = Host: NAME"
            raise BadValue(f"Host cannot be {_DONE[verb]} by a rule", hint, entry.start())
        if field.lower() == "host" and not rest.count("$"):
            within(entry.start() + len(entry[0]) - len(rest.lstrip()), _host_field, rest.strip())
        found.append(HeaderEdit(verb, field, rest.strip()))
    return tuple(found)


def _host_field(text: str) -> None:
    """A Host that requests can have."""
    if not re.fullmatch(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", text):
        raise BadValue(f"not a host: {text!r}", "write NAME or NAME:PORT")


_DONE = {"add": "added", "del": "taken out"}
_UNTOUCHABLE = frozenset(
    {
        "connection",
        "content-length",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


LARGEST_CHILDREN = 65535
_CHILDREN = {"startservers": "start", "minspareservers": "min_spare", "maxspareservers": "max_spare"}


def children(text: str) -> Children:
    """`startservers 8, minspareservers 6, maxspareservers 18`; what is left out is as here."""
    given: dict[str, int] = {}
    for entry in re.finditer(r"[^,\n]+", text):
        found = words(entry[0])
        at = entry.start()
        if len(found) != 2 or found[0][1] not in _CHILDREN:
            raise BadValue("expected NAME N", f"the names are {', '.join(_CHILDREN)}", at)
        given[_CHILDREN[found[0][1]]] = within(
            at + found[1][0], lambda text: units.count(text, 1, LARGEST_CHILDREN), found[1][1]
        )
    return Children(**given)


def set_header(text: str) -> tuple[HeaderEdit, ...]:
    """`set_header =`."""
    return edits("set", text)


def add_header(text: str) -> tuple[HeaderEdit, ...]:
    """`add_header =`."""
    return edits("add", text)


def del_header(text: str) -> tuple[HeaderEdit, ...]:
    """`del_header =`."""
    return edits("del", text)


def hash_key(text: str) -> str:
    """`path.1`, `host`, `cookie NAME`, `header NAME`, `query NAME`: what a hash scheduler shall use."""
    found = _HASH.match(text)
    fact = found and (found[1] or found[3] or found[5])
    if not found or (not found[1] and fact not in PLAIN):
        raise BadValue(f"not something to hash: {text!r}", "write path.1, host, uri, client, cookie NAME, …")
    if found[1]:
        return f"{found[1]} {found[2].lower() if found[1] == 'header' else found[2]}"
    return text


_TARGET = re.compile(r"/|https?://[^/]|\*\Z")


def request(text: str) -> tuple[str, str]:
    """`GET http://img.example.org/a.png` as (method, target)."""
    found = words(text)
    if len(found) != 2:
        alone = len(found) == 1 and _TARGET.match(text)
        hint = f"write GET {text}" if alone else "write METHOD URI, as in GET http://example.org/a"
        raise BadValue("expected METHOD URI", hint)
    method = within(found[0][0], field_name, found[0][1])
    at, uri = found[1]
    if not _TARGET.match(uri):
        raise BadValue(f"not a request target: {uri!r}", "write http://HOST/PATH, or /PATH", at)
    _ascii(uri, at)
    return method, uri


def expectations(text: str) -> tuple[tuple[int, str, str], ...]:
    """`rule images, pool images, status 301` as (offset, word, value)."""
    found = []
    for entry in re.finditer(r"[^,\n]+", text):
        parts = words(entry[0])
        if not parts:
            continue
        at = entry.start() + parts[0][0]
        word = within(at, lambda text: one_of(text, EXPECTED), parts[0][1])
        rest = " ".join(part for _, part in parts[1:])
        if not rest:
            raise BadValue(f"{word} what?", f"write {word} and the value that is expected", at)
        place = entry.start() + parts[1][0]
        if word == "status":
            within(place, status, rest)
        if word == "fault":
            rest = within(place, fault_taken, rest)
        found.append((place, word, rest))
    if not found:
        raise BadValue("nothing is expected", "write rule NAME, pool NAME, status CODE, …")
    return tuple(found)


_TAKEN = re.compile(r"(active|pool|local|page)(?:[:\s]\s*(\S+))?\Z|built-in page\Z|none\Z")


def fault_taken(text: str) -> str:
    """`page:sorry` or `page sorry`: the step of the fault path that is expected, in the words of a trace."""
    found = _TAKEN.match(text)
    if not found:
        raise BadValue(
            f"not a step: {text!r}",
            "write page NAME, pool NAME, active, local ADDRESS, built-in page or none",
        )
    return " ".join(part for part in found.groups() if part) or text


def down(text: str) -> tuple[tuple[int, str], ...]:
    """`web/a, web/b`: (offset, server) of those that a test takes out."""
    found = []
    for at, word in listed(text):
        pool, slash, server = word.partition("/")
        if not (pool and slash and server):
            raise BadValue(f"not a server: {word!r}", "write POOL/SERVER, as in web/a", at)
        found.append((at, word))
    unique(found)
    return tuple(found)


def client(text: str) -> str:
    """One client address."""
    found = network(text)
    if found.num_addresses != 1:
        raise BadValue("a client is one address", f"write {found.network_address}")
    return str(found.network_address)


def certificates(text: str) -> tuple[tuple[int, str], ...]:
    """`shop, *.example.org, acme a.example b.example` as (offset, name); a name of ACME is all its words."""
    found: list[tuple[int, str]] = []
    at = 0
    for element in text.split(","):
        words = [(at + start, word) for start, word in listed(element)]
        if words and words[0][1] == "acme":
            found.append((words[0][0], _acme(words)))
        else:
            found += [(start, within(start, name, word)) for start, word in words]
        at += len(element) + 1
    if not found:
        raise BadValue("a name is missing", "write the name of a [cert:…], or acme and a host name")
    unique(found)
    return tuple(found)


def _acme(words: list[tuple[int, str]]) -> str:
    names = words[1:]
    if not names:
        raise BadValue(
            "which name?", "write the host name behind acme, as in acme shop.example.org", words[0][0]
        )
    for at, word in names:
        if word.startswith("*."):
            hint = "get it with another program (DNS-01), and name its files in a [cert:…]"
            raise BadValue("no wildcard can be had by http-01 or tls-alpn-01", hint, at)
        if not _HOST_NAME.fullmatch(word) or len(word) > 253:
            raise BadValue(f"not a host name: {word!r}", "write it in lower case, as in shop.example.org", at)
    unique(names)
    return " ".join(("acme", *(word for _, word in names)))


_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


def acme_directory(text: str) -> str:
    """The URL of an authority's directory: HTTPS, or HTTP on this machine."""
    found = urlsplit(text)
    near = found.hostname in {"127.0.0.1", "::1", "localhost"}
    if not found.hostname or not (found.scheme == "https" or (found.scheme == "http" and near)):
        raise BadValue("not the URL of a directory", "write one that begins with https://")
    return text


def contact(text: str) -> str:
    """An e-mail address."""
    if not re.fullmatch(r"[!-?A-~]+@[A-Za-z0-9.-]+", text):
        raise BadValue("not an e-mail address", "write one as in ops@example.org")
    return text
