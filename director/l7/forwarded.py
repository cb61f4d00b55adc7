"""Who the client is and what servers are told about it (X-Forwarded-*, RFC 7239, Via).

Fields about the client are believed only from peers in the service's trust list;
from anybody else they are dropped and written anew.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from director.l7.facts import Peer
    from director.l7.http1 import RequestHead
    from director.model import Network

_X_FORWARDED = frozenset((b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"))
_ALL = _X_FORWARDED | {b"forwarded", b"x-request-id"}
_DROP_UNTRUSTED = {"x-forwarded-for": _ALL, "forwarded": _ALL, "off": frozenset((b"x-request-id",))}
"""What is dropped of an untrusted client's request, by policy: everything that another hop could take for ours."""
_DROP_TRUSTED = {
    "x-forwarded-for": frozenset((b"x-forwarded-for",)),
    "forwarded": frozenset((b"forwarded",)),
    "off": frozenset[bytes](),
}

CHAIN_LIMIT = 32
"""Addresses looked at in a chain, from its end."""


@lru_cache(maxsize=4096)
def is_trusted(address: str, networks: tuple[Network, ...]) -> bool:
    """Is the address in one of the networks?  Names and unix peers are in none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in network for network in networks)


def client_address(head: RequestHead, peer: Peer, networks: tuple[Network, ...]) -> str:
    """The client as rules and schedulers see it: the last address of the chain that is not trusted."""
    if not peer.trusted:
        return peer.client
    chain = head.fields.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
    found = peer.client
    for entry in reversed(chain[-CHAIN_LIMIT:]):
        address = entry.strip()
        try:
            ipaddress.ip_address(address)
        except ValueError:
            break
        found = address
        if not is_trusted(address, networks):
            break
    return found


class ForwardedPolicy:
    """`forwarded =` of one service, ready to be applied."""

    def __init__(self, kind: str, scheme: str, name: str) -> None:
        self._kind = kind
        self._scheme = scheme.encode()
        self._via = b"Via: 1.%d " + name.encode("latin-1") + b"\r\n"
        self._pseudonym = name.encode("latin-1")
        self._plain_via = self._via % 1

    def dropped(self, head: RequestHead, *, trusted: bool) -> list[tuple[int, int]]:
        """Spans of the fields that must not be sent on."""
        names = (_DROP_TRUSTED if trusted else _DROP_UNTRUSTED)[self._kind]
        return [span for name, span in head.where if name in names]

    def loops(self, head: RequestHead) -> int:
        """How often this director already stands in the request's Via."""
        via = head.fields.get(b"via")
        return 0 if via is None else via.split().count(self._pseudonym)

    def lines(self, head: RequestHead, peer: Peer, request_id: bytes) -> bytes:
        """The field lines that tell a server about the client, with Via and the request's id."""
        fields = head.fields if peer.trusted else {}
        if b"x-request-id" not in fields:
            identity = b"X-Request-Id: " + request_id + b"\r\n"
        else:
            identity = b""
        via = self._plain_via if head.minor else self._via % 0
        if self._kind == "x-forwarded-for":
            return self._x_forwarded(head, fields, peer.client.encode("latin-1")) + via + identity
        if self._kind == "forwarded":
            return self._forwarded(head, fields, peer.client) + via + identity
        return via + identity

    def _x_forwarded(self, head: RequestHead, fields: dict[bytes, bytes], client: bytes) -> bytes:
        chain = fields.get(b"x-forwarded-for")
        text = b"X-Forwarded-For: " + (client if chain is None else chain + b", " + client) + b"\r\n"
        if b"x-forwarded-proto" not in fields:
            text += b"X-Forwarded-Proto: " + self._scheme + b"\r\n"
        if b"x-forwarded-host" not in fields and head.host:
            text += b"X-Forwarded-Host: " + head.host + b"\r\n"
        return text

    def _forwarded(self, head: RequestHead, fields: dict[bytes, bytes], client: str) -> bytes:
        node = f'"[{client}]"' if ":" in client else client
        element = b"for=" + node.encode("latin-1") + b";proto=" + self._scheme
        if head.host:
            element += b';host="' + head.host + b'"'
        chain = fields.get(b"forwarded")
        return b"Forwarded: " + (element if chain is None else chain + b", " + element) + b"\r\n"
