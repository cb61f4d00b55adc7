"""Who the client is and what servers are told about it (X-Forwarded-*, RFC 7239, Via).

Fields about the client are believed only from peers in the service's trust list;
from anybody else they are dropped and written anew.
"""

from __future__ import annotations

import ipaddress
import re
from base64 import b64encode
from typing import TYPE_CHECKING

from director.caches import remember
from director.l7.http.fields import FORWARDED_OTHERS

if TYPE_CHECKING:
    from director.l7.http.requests import RequestHead
    from director.l7.routing.facts import Peer, TLSFacts
    from director.model.pools import Network

_ABOUT_CLIENTS = frozenset((
    b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", FORWARDED_OTHERS, b"forwarded",
    b"x-request-id", b"x-director-trace",
))  # fmt: skip
"""What is dropped of an untrusted client's request, whatever the policy: servers would take it for ours."""
_REPLACED = {
    "x-forwarded-for": frozenset((b"x-forwarded-for",)),
    "forwarded": frozenset((b"forwarded",)),
    "off": frozenset[bytes](),
}
"""What is written anew for a trusted peer, by policy."""
_ID = frozenset((b"x-request-id",))
_BELIEVABLE = re.compile(rb"[A-Za-z0-9!#$%&*+./:=?@^_~-]{1,128}")
"""An id that fits into a log line, a URL and a field of ours as it stands; made to be passed on, not read."""

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_PAIR = re.compile(rf'[ \t]*+({_WORD})=(?:"([^"\\]*+)"|({_WORD}))[ \t]*+([;,]|$)')
_EMPTY = re.compile(r"[ \t,]*+")
_NODE = re.compile(
    r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5}|:_[A-Za-z0-9._-]+)?|([^:\[\]]+)(?::[0-9]{1,5}|:_[A-Za-z0-9._-]+)?|([0-9A-Fa-f:.]+)"
)
"""A node: IPv6 in brackets, IPv4 or a word, with a port or not; or IPv6 as it stands, without a port."""
CHAIN_LIMIT = 32
"""Addresses looked at in a chain, from its end."""


ADDRESS_LIMIT = 64
"""Characters that an IP address has at most, with a zone; longer text from the network is not remembered."""


def is_trusted(address: str, networks: tuple[Network, ...]) -> bool:
    """Is the address in one of the networks?  Names and unix peers are in none."""
    return len(address) <= ADDRESS_LIMIT and _is_inside(address, networks)


@remember("trusted_addresses", 4096)
def _is_inside(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in network for network in networks)


def client_address(
    head: RequestHead, peer: Peer, networks: tuple[Network, ...], kind: str = "x-forwarded-for"
) -> str:
    """The client as rules and schedulers see it: the last address of the chain that is not trusted.

    `kind` is the service's `forwarded`: with `forwarded` the chain is read from RFC 7239's field,
    else from X-Forwarded-For.  Only a trusted peer's chain is read, and only up to what is no address.
    """
    if not peer.trusted:
        return peer.client
    chain = _for_nodes(head) if kind == "forwarded" else _x_forwarded_for(head)
    found = peer.client
    for entry in reversed(chain[-CHAIN_LIMIT:]):
        if not _is_address(entry):
            break
        found = entry
        if not is_trusted(entry, networks):
            break
    return found


def believed_id(head: RequestHead) -> str:
    """The X-Request-Id of a request that comes from a trusted peer, "" without a usable one.

    Two of them are none.
    """
    value = head.fields.get(b"x-request-id")
    return value.decode("ascii") if value is not None and _BELIEVABLE.fullmatch(value) else ""


def _x_forwarded_for(head: RequestHead) -> list[str]:
    """The addresses of the chain; some proxies write them with port or brackets, as Forwarded has them.

    Empty elements of a list are passed over (RFC 9110 5.6.1.2).
    """
    value = head.fields.get(b"x-forwarded-for", b"").decode("latin-1")
    entries = (entry.strip(" \t") for entry in value.split(","))
    return [_node_address(entry) for entry in entries if entry]


def _for_nodes(head: RequestHead) -> list[str]:
    """The `for` of each element of Forwarded without port and brackets, "" if it has none.

    A field that does not follow RFC 7239 4 says nothing: its quotes may hide where an element ends.
    """
    value = head.fields.get(b"forwarded", b"").decode("latin-1")
    nodes: list[str] = []
    begins = True
    position = 0
    while position < len(value):
        if begins:
            # Empty elements of a list are passed over (RFC 9110 5.6.1.2).
            position = _EMPTY.match(value, position).end()  # type: ignore[union-attr]
            if position == len(value):
                break
            nodes.append("")
        found = _PAIR.match(value, position)
        if found is None:
            return []
        name, quoted, token, separator = found.groups()
        if name.lower() == "for":
            nodes[-1] = _node_address(quoted if token is None else token)
        begins = separator == ","
        position = found.end()
    return nodes


def _node_address(node: str) -> str:
    """A node without its port, an IPv6 address without its brackets (RFC 7239 6); "" for a malformed one."""
    found = _NODE.fullmatch(node.strip('"'))
    return found[1] or found[2] or found[3] if found else ""


def _is_address(text: str) -> bool:
    """An address of a host, without a scope (a scope may hold anything)."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _scheme(peer: Peer) -> bytes:
    return b"http" if peer.tls is None else b"https"


CERTIFICATE_FIELDS = frozenset((b"client-cert", b"client-cert-chain"))
"""What tells servers of a client's certificate; a client's own are never passed (RFC 9440 2.4)."""


def certificate_lines(tls: TLSFacts) -> bytes:
    """Client-Cert and Client-Cert-Chain: DER as byte sequences (RFC 9440 2, RFC 8941 3.3.5)."""
    lines = b"Client-Cert: :" + b64encode(tls.certificate) + b":\r\n"
    if tls.chain:
        chain = b", ".join(b":" + b64encode(one) + b":" for one in tls.chain)
        lines += b"Client-Cert-Chain: " + chain + b"\r\n"
    return lines


class ForwardedPolicy:
    """`forwarded =` of one service, ready to be applied.

    Attributes:
        name: the director's, as Via has it.
    """

    def __init__(self, kind: str, name: str, *, tell_certificate: bool = False) -> None:
        self.name = name
        self._kind = kind
        self._tell_certificate = tell_certificate
        self._vias = {
            version: b"Via: " + version + b" " + name.encode("latin-1") + b"\r\n"
            for version in (b"1.0", b"1.1", b"2")
        }
        self._pseudonym = name.encode("latin-1")

    def dropped(self, head: RequestHead, peer: Peer) -> frozenset[bytes]:
        """Names of the fields that must not be sent on."""
        if not peer.trusted:
            dropped = _ABOUT_CLIENTS
        elif self.keeps_id(head, peer):
            dropped = _REPLACED[self._kind]
        else:
            dropped = _REPLACED[self._kind] | _ID
        return dropped | CERTIFICATE_FIELDS if self._tell_certificate else dropped

    def loops(self, head: RequestHead) -> int:
        """How often this director already stands in the request's Via."""
        via = head.fields.get(b"via")
        if via is None:
            return 0
        return sum(entry.split()[1:2] == [self._pseudonym] for entry in via.split(b","))

    def lines(self, head: RequestHead, peer: Peer) -> bytes:
        """The field lines that tell a server about the client, with Via."""
        fields = head.fields if peer.trusted else {}
        via = self._vias[head.version]
        tls = peer.tls
        if tls is not None and tls.certificate and self._tell_certificate:
            via += certificate_lines(tls)
        client = peer.client
        if not client or client == "unix":
            # Who comes over a unix socket has no address; the log has a word for them, a chain must not.
            client = "unknown"
        if self._kind == "x-forwarded-for":
            return self._x_forwarded(head, fields, client, _scheme(peer)) + via
        if self._kind == "forwarded":
            return self._forwarded(head, fields, client, _scheme(peer)) + via
        return via

    def keeps_id(self, head: RequestHead, peer: Peer) -> bool:
        """The request brought an id that is believed."""
        return peer.trusted and bool(believed_id(head))

    def _x_forwarded(
        self, head: RequestHead, fields: dict[bytes, bytes], client: str, scheme: bytes
    ) -> bytes:
        chain = fields.get(b"x-forwarded-for")
        node = client.encode("latin-1")
        text = b"X-Forwarded-For: " + (node if chain is None else chain + b", " + node) + b"\r\n"
        if b"x-forwarded-proto" not in fields:
            text += b"X-Forwarded-Proto: " + scheme + b"\r\n"
        if b"x-forwarded-host" not in fields and head.host:
            text += b"X-Forwarded-Host: " + head.host + b"\r\n"
        return text

    def _forwarded(self, head: RequestHead, fields: dict[bytes, bytes], client: str, scheme: bytes) -> bytes:
        node = f'"[{client}]"' if ":" in client else client
        element = b"for=" + node.encode("latin-1") + b";proto=" + scheme
        if head.host:
            element += b';host="' + head.host + b'"'
        chain = fields.get(b"forwarded")
        return b"Forwarded: " + (element if chain is None else chain + b", " + element) + b"\r\n"
