"""The grammar of HTTP/1.x heads as compiled patterns (RFC 9110, 9112, 3986).

A pattern matches and validates many octets at C speed; possessive quantifiers keep a
hostile head from making it backtrack.  Only the readers use this module: `http1`,
`responses`, `fields`, `target` and `body`.
"""

from __future__ import annotations

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
"""One character of a token (RFC 9110 5.6.2)."""
VALUE = rb"[\t\x20-\x7e\x80-\xff]"
"""One character of a field value: VCHAR, obs-text, space and tab (RFC 9110 5.5)."""
PATH = rb"[A-Za-z0-9\-._~!$&'()*+,;=:@%/\[\]|^]"
r"""One character of a path; `%` is checked with its digits later.

RFC 3986 3.3, and the four that browsers send as they stand, because the path percent-encode set of the
WHATWG URL standard lacks them (`^` joined it late).  Not `\`, which they take for a slash, and not `"<>` and
the like, which they never send.
"""
QUERY = rb"[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]{}|^`\\\"]"
"""One character of a query: RFC 3986 3.4 and what browsers leave unencoded there (WHATWG URL)."""
METHOD = rb"(" + TOKEN + rb"{1,64}+)"
"""A method; 64 is twice the longest one registered (RFC 9110 16.1.2)."""

ORIGIN_LINE = re.compile(METHOD + rb" (/" + PATH + rb"*+(\?" + QUERY + rb"*+)?+) ")
"""A request line with a target in origin-form, up to its version: method, target, query of the target."""
ANY_LINE = re.compile(METHOD + rb" ([\x21-\x7e]++) ")
"""A request line with any other target, to be judged by `target`, up to its version."""
REQUEST_LINE = re.compile(METHOD + rb" [\x21-\x7e]++ HTTP/([0-9])\.[0-9]\r\n")
"""A whole request line, for telling what is wrong with it: method, major version."""
LONG_METHOD = re.compile(TOKEN + rb"{65,}+ ")
"""A method that is longer than any (RFC 9112 3: 501)."""
TOKEN_START = re.compile(TOKEN)
METHOD_ONLY = re.compile(METHOD)
"""What a request line may begin with."""

_FIELD = TOKEN + rb"++:" + VALUE + rb"*+\r\n"
REQUEST_REST = re.compile(rb"HTTP/1\.([0-9])\r\n((?:" + _FIELD + rb")*+)\r\n")
"""A request head behind its target: minor version, field lines."""
RESPONSE = re.compile(
    rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: (" + VALUE + rb"*+))?+\r\n((?:" + _FIELD + rb")*+)\r\n"
)
"""A whole response head: minor version, status, reason (None if left out), field lines (RFC 9112 4)."""
FIELD_LINE = re.compile(_FIELD)
"""A field line with its end."""

NAMES = re.compile(rb"\n(" + TOKEN + rb"++):")
"""The names of a block of field lines that has been validated and has a line end before it."""

_OF_INTEREST = rb"\n(%b):[^\r]*+\r"
REQUEST_FIELDS = re.compile(
    _OF_INTEREST
    % rb"|".join((
        rb"host", rb"content[-_]length", rb"connection", rb"expect", rb"forwarded", rb"http2[-_]settings",
        rb"keep[-_]alive", rb"max[-_]forwards", rb"proxy[-_]connection", rb"te", rb"trailer",
        rb"transfer[-_]encoding", rb"upgrade", rb"via", rb"x[-_]forwarded[-_]" + TOKEN + rb"++",
        rb"x[-_]request[-_]id", rb"x[-_]director[-_]trace",
    ))
)  # fmt: skip
"""The fields of a request that a proxy must understand, in a block as for `NAMES`, in lower case.

Also in the other spelling that CGI-like servers take for the same: `_` for `-` (RFC 3875 4.1.18).
"""
RESPONSE_FIELDS = re.compile(
    _OF_INTEREST
    % rb"|".join((
        rb"content[-_]length", rb"connection", rb"keep[-_]alive", rb"proxy[-_]connection", rb"te",
        rb"trailer", rb"transfer[-_]encoding", rb"upgrade", rb"cache-control",
    ))
)  # fmt: skip
"""The same for a response."""
NONE_OF_INTEREST = re.compile(rb"(?!)")
"""The same where nobody asks."""

DIGITS = re.compile(rb"[0-9]{1,18}")
"""A Content-Length of at most 18 digits (RFC 9110 8.6; more cannot be a body)."""
CODINGS = re.compile(rb"%(t)b++(?:[ \t]*+,[ \t]*+%(t)b++)*+" % {b"t": TOKEN})
"""A list of transfer codings without parameters (RFC 9112 7)."""

HOST = re.compile(
    rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*+(?::([0-9]{0,5}+))?+"
    rb"|\[([0-9A-Fa-f:.]++)\](?::([0-9]{0,5}+))?+"
)
"""uri-host [":" port] (RFC 9110 7.2, RFC 3986 3.2.2): port, or IPv6 address and port; no IPvFuture."""

_QUOTED = rb"\"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+\""
_EXTENSION = rb"[ \t]*+;[ \t]*+%(t)b++(?:[ \t]*+=[ \t]*+(?:%(t)b++|%(q)b))?+" % {b"t": TOKEN, b"q": _QUOTED}
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16}+)(?:" + _EXTENSION + rb")*+\r\n")
"""A chunk's size line with extensions (RFC 9112 7.1, 7.1.1): size."""
