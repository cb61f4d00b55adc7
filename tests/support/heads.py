"""Heads for tests, through the framers themselves."""

from __future__ import annotations

from director.l7.http.requests import Limits, RequestFramer, RequestHead
from director.l7.http.responses import ResponseFramer, ResponseHead
from director.l7.http.writing import request_fields, request_framing
from director.l7.routing.facts import Peer, RequestFacts

PEER = Peer("192.0.2.7", 40000, "198.51.100.1", 80)
TRUSTED = Peer("10.0.0.1", 40000, "198.51.100.1", 80, trusted=True)


def request(
    *lines: bytes, method: bytes = b"GET", target: bytes = b"/", host: bytes = b"a.example", minor: int = 1
) -> RequestHead:
    """The head of one request."""
    framer = RequestFramer(Limits())
    framer.feed(
        b"\r\n".join([b"%b %b HTTP/1.%d" % (method, target, minor), b"Host: " + host, *lines, b"", b""])
    )
    head = framer.head()
    assert head is not None
    return head


def facts(*lines: bytes, peer: Peer = PEER, target: bytes = b"/", host: bytes = b"a.example") -> RequestFacts:
    """The facts of one request."""
    return RequestFacts(request(*lines, target=target, host=host), peer, peer.client)


def response(
    *lines: bytes, status: bytes = b"200 OK", method: bytes = b"GET", version: bytes = b"HTTP/1.1"
) -> ResponseHead:
    """The head of one answer to `method`."""
    framer = ResponseFramer(method)
    framer.feed(b"\r\n".join([version + b" " + status, *lines, b"", b""]))
    head = framer.head()
    assert head is not None
    return head


def request_head(head: RequestHead, sent: bytes, dropped: frozenset[bytes], added: bytes) -> bytes:
    """A whole head for a server."""
    fields = request_fields(head, dropped) + added + request_framing(head)
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (head.method, sent, fields)
