"""The grammar of HTTP/1.x heads as compiled patterns (RFC 9110, 9112, 3986).

One pattern matches and validates a whole head at C speed; possessive quantifiers
keep a hostile head from making it backtrack.  Only `http1`, `target` and `body` use
this module.
"""

from __future__ import annotations

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
"""One character of a token (RFC 9110 5.6.2)."""
VALUE = rb"[\t\x20-\x7e\x80-\xff]"
"""One character of a field value: VCHAR, obs-text, space and tab (RFC 9110 5.5)."""
PCHAR = rb"[A-Za-z0-9\-._~!$&'()*+,;=:@%]"
"""One character of a path segment (RFC 3986 3.3); `%` is checked with its digits later."""
QUERY = rb"[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]{}|^`\\\"]"
"""One character of a query: RFC 3986 3.4 and what browsers leave unencoded there (WHATWG URL)."""

FIELDS = rb"((?:" + TOKEN + rb"++:" + VALUE + rb"*+\r\n)*+)"

METHOD = rb"(" + TOKEN + rb"{1,32}+)"

ORIGIN_REQUEST = re.compile(
    METHOD + rb" (/(?:" + PCHAR + rb"|/)*+)(\?" + QUERY + rb"*+)? HTTP/1\.([0-9])\r\n" + FIELDS + rb"\r\n"
)
"""A whole request head with a target in origin-form: method, path, query, minor version, field block."""

ANY_REQUEST = re.compile(METHOD + rb" ([\x21\x23-\x7e]++) HTTP/1\.([0-9])\r\n" + FIELDS + rb"\r\n")
"""A whole request head with any other target, to be judged by `target`."""

RESPONSE = re.compile(
    rb"HTTP/1\.([0-9]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*+))?\r\n" + FIELDS + rb"\r\n"
)
"""A whole response head: minor version, status, reason (None if left out), field block (RFC 9112 4)."""

REQUEST_LINE = re.compile(METHOD + rb" ([\x21-\x7e]++) HTTP/([0-9])\.([0-9])")
"""A request line without its end, for telling what is wrong with it."""

FIELD_LINE = re.compile(TOKEN + rb"++:" + VALUE + rb"*+")
"""A field line without its end."""

_REQUEST_NAMES = (
    rb"host|content-length|content_length|connection|expect|forwarded|http2-settings|keep-alive|max-forwards"
    rb"|proxy-connection|te|trailer|transfer-encoding|transfer_encoding|upgrade|via"
    rb"|x-forwarded-for|x-forwarded-host|x-forwarded-proto|x-request-id"
)
_RESPONSE_NAMES = (
    rb"content-length|connection|keep-alive|proxy-connection|proxy-authenticate|te|trailer|transfer-encoding|upgrade"
    rb"|cache-control"
)
_OF_INTEREST = rb"(?im)^(%s):[ \t]*+([^\r]*)\r\n"

REQUEST_FIELDS = re.compile(_OF_INTEREST % _REQUEST_NAMES)
"""The fields of a request that a proxy must understand: name, value (trailing blanks still there)."""
RESPONSE_FIELDS = re.compile(_OF_INTEREST % _RESPONSE_NAMES)
"""The same for a response."""

DIGITS = re.compile(rb"[0-9]{1,18}")
"""A Content-Length of at most 18 digits (RFC 9110 8.6; more cannot be a body)."""

HOST = re.compile(
    rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*+(?::[0-9]{0,5}+)?"
    rb"|\[[0-9A-Fa-f:.]+\](?::[0-9]{0,5}+)?"
)
"""uri-host [":" port] (RFC 9110 7.2, RFC 3986 3.2.2); IPvFuture is not accepted."""

_QUOTED = rb"\"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+\""
_EXTENSION = rb"[ \t]*+;[ \t]*+%(t)b++(?:[ \t]*+=[ \t]*+(?:%(t)b++|%(q)b))?+" % {b"t": TOKEN, b"q": _QUOTED}
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16}+)(?:" + _EXTENSION + rb")*+\r\n")
"""A chunk's size line with extensions (RFC 9112 7.1, 7.1.1): size."""
