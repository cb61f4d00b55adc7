r"""Templates of rules (`$1`, `${NAME}`, `${host}`), filled in by what one request says.

What a client may fill never decides more than the template gave away:

* in a **header field** no control character comes out, so no field can be split;
* in a **path for the server** what climbs is refused, and what no path has is escaped;
* in a **redirect** the scheme is the template's, and the authority too, unless a place stands inside it:
  there only what a host name is made of fits.  A place behind a finished authority begins the path, and a
  location without an authority stays on this host, however many slashes a client sends (`//evil.example`,
  `/\evil.example` and `/\t/evil.example` are other hosts to a browser; WHATWG URL 4.4).

Called by `request_head` for real requests and by `explain` for imagined ones.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from director.caches import remember
from director.config.parse.actions import CLIMBS
from director.errors import MessageError
from director.l7.http.fields import HOP_BY_HOP, FieldBlock, canonical
from director.l7.http.grammar import NONE_OF_INTEREST
from director.l7.http.target import check_host, readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from director.l7.http.requests import RequestHead
    from director.l7.routing.facts import RequestFacts
    from director.model.http import HeaderEdit

_PLACE = re.compile(r"\$(?:([0-9]+)|\{([^}]*)\}|\$)")
_SAFE_PATH = "/-._~!$&'()*+,;=:@%"
_SAFE_LOCATION = _SAFE_PATH + "?"
_OWN = frozenset(("host", "path", "uri", "client", "method"))
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNTOUCHED = HOP_BY_HOP | {b"content-length", b"trailer"}

_OTHER_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
"""How a location begins that names an authority."""
_ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST_PART = re.compile(r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""What a client may fill into an authority: (part of) a name or an IP literal, and a port."""
_SCHEMES = frozenset(("http", "https"))


class TemplatePart(NamedTuple):
    """A run of a template: `text` as it stands, or the name of a group or fact to be put in (`is_place`)."""

    text: str
    is_place: bool = False


@remember("templates", 1024)
def parts(template: str) -> tuple[TemplatePart, ...]:
    """The literal runs and the places of a template, in order; `$$` is a literal dollar sign."""
    found: list[TemplatePart] = []
    at = 0
    literal = ""
    for place in _PLACE.finditer(template):
        literal += template[at : place.start()]
        at = place.end()
        name = place[1] or place[2]
        if name is None:
            literal += "$"
            continue
        if literal:
            found.append(TemplatePart(literal))
            literal = ""
        found.append(TemplatePart(name, is_place=True))
    literal += template[at:]
    if literal:
        found.append(TemplatePart(literal))
    return tuple(found)


def value_of(name: str, facts: RequestFacts) -> str:
    """What a place stands for; absent groups are empty."""
    if name in facts.groups:
        return facts.groups[name]
    if name == "query":
        return facts.uri.partition("?")[2]
    return str(getattr(facts, name)) if name in _OWN else ""


def fill(template: str, facts: RequestFacts) -> str:
    """`template` with `$1` or `${NAME}` filled in by the rule's captured groups, and `$$` by a dollar.

    `${host}`, `${path}`, `${uri}`, `${query}`, `${client}` and `${method}` are the request's own.  What is
    absent becomes empty; control characters never come out.
    """
    if "$" not in template:
        return template
    found = (value_of(one.text, facts) if one.is_place else one.text for one in parts(template))
    return _CONTROL.sub("", "".join(found))


# --- header fields -----------------------------------------------------------------------


def field_value(template: str, facts: RequestFacts) -> bytes:
    """A field's value: the operator's text in UTF-8, what a client sent as the octets that it sent."""
    if "$" not in template:
        return _CONTROL.sub("", template).encode()
    return b"".join(
        _octets(_CONTROL.sub("", value_of(one.text, facts)))
        if one.is_place
        else _CONTROL.sub("", one.text).encode()
        for one in parts(template)
    )


def _octets(value: str) -> bytes:
    """Fields are read as ISO 8859-1, so that each octet is a character; decoded parameters may hold more."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def edited(block: bytes, edits: Sequence[HeaderEdit], facts: RequestFacts) -> bytes:
    """`block` after a rule's set_header, add_header and del_header, in order.

    It is all that the server would get, the director's own fields too: what a rule says is the last word.
    Fields of framing and of the connection are never touched, Host is only ever set.

    Raises: MessageError 400 when what a client put into Host makes none of it.
    """
    for edit in edits:
        name = edit.name.lower().encode("latin-1", "replace")
        if canonical(name) in _UNTOUCHED or (name == b"host" and edit.verb != "set"):
            continue
        if edit.verb != "add":
            block = FieldBlock(block, NONE_OF_INTEREST).less(name)
        if edit.verb != "del":
            value = field_value(edit.value, facts).strip()
            if name == b"host":
                check_host(value)
            block += b"%b: %b\r\n" % (edit.name.encode("latin-1", "replace"), value)
    return block


# --- paths and locations -----------------------------------------------------------------


def rewritten_target(template: str, head: RequestHead, facts: RequestFacts) -> bytes:
    """The target for the server by a rule's `rewrite_path`; the query stays as it was sent.

    Raises: MessageError 400 when what the client put into the template makes a path that climbs (`..`)
        or has no safe reading.
    """
    path = _escaped(fill(template, facts), _SAFE_PATH)
    if not path.startswith("/"):
        path = "/" + path
    sent = path.encode("ascii")
    readings(sent)
    if CLIMBS.search(path):
        raise MessageError(400, "the rewritten path climbs")
    return sent + head.query


def _escaped(value: str, safe: str) -> str:
    """`value` with all but `safe` characters, letters and digits escaped; escapes that stand in it stay."""
    return _BARE_PERCENT.sub("%25", quote(value, safe=safe))


def location(template: str, facts: RequestFacts) -> str:
    """Where a rule's `redirect` leads, in ASCII.

    Raises: MessageError 400 when a place stands in the scheme or authority, and what the client says cannot
        be part of one.
    """
    if "$" not in template:
        return template
    found = parts(template)
    first = "" if found[0].is_place else found[0].text
    begin = _OTHER_HOST.match(first)
    if begin is not None:
        return begin[0] + _authority(first[begin.end() :], found[1:], facts)
    if len(found) > 1 and found[0].is_place and found[1].text.startswith("://"):
        scheme = value_of(found[0].text, facts).lower()
        if scheme not in _SCHEMES:
            raise MessageError(400, "the request asks for a redirect to another scheme")
        return scheme + "://" + _authority(found[1].text[3:], found[2:], facts)
    text = first + _rest(found[1:] if first else found, facts)
    if not first or first.startswith("/"):
        return "/" + text.lstrip("/")
    # A relative one: a colon in its first segment would make a scheme of it (RFC 3986 4.2).
    if _ANY_SCHEME.match(first) is None and _ANY_SCHEME.match(text) is not None:
        return "./" + text
    return text


def _rest(found: Sequence[TemplatePart], facts: RequestFacts) -> str:
    """Parts behind the authority."""
    return "".join(
        _escaped(value_of(one.text, facts), _SAFE_LOCATION) if one.is_place else one.text for one in found
    )


def _authority(literal: str, found: Sequence[TemplatePart], facts: RequestFacts) -> str:
    """What stands behind `//`: the authority, which may hold places, and the rest."""
    text = literal
    for index, one in enumerate(found):
        if re.search(r"[/?#]", text):
            return text + _rest(found[index:], facts)
        if not one.is_place:
            text += one.text
            continue
        value = value_of(one.text, facts)
        before = literal if index == 0 else "" if found[index - 1].is_place else found[index - 1].text
        inside = not text or before[-1:] in set(".-@:") - {""}
        follows = found[index + 1] if index + 1 < len(found) else TemplatePart("/")
        if inside or (not follows.is_place and follows.text[0] not in "/?#"):
            text += _part_of_host(value, port=before[-1:] == ":")
        elif value:
            text += ("" if value[0] in "/?" else "/") + _escaped(value, _SAFE_LOCATION)
    if not re.match(r"[^/?#]", text):
        raise MessageError(400, "the request names no host to redirect to")
    return text


def _part_of_host(value: str, *, port: bool) -> str:
    if re.fullmatch(r"[0-9]{1,5}", value) if port else _HOST_PART.fullmatch(value):
        return value
    raise MessageError(400, "the request asks for a redirect to what is no host")
