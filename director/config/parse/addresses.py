"""Addresses and networks as they are written: `:80`, `10.0.0.1:80`, `[::1]:80`, `unix:/run/x.sock`.

Any other Twisted endpoint string is taken as it is.  Names are not looked up here: a name that does
not resolve is found out, and got over, when it is used.  Parsers raise `BadValue`.
"""

from __future__ import annotations

import ipaddress
import re

from director.caches import remember
from director.config.text.messages import BadValue
from director.model.pools import Address, Network

_ENDPOINTS = frozenset({"tcp", "tcp4", "tcp6", "ssl", "tls", "systemd", "haproxy", "stdio", "fd", "host"})
_ENDPOINT = re.compile(r"([a-z][a-z0-9]*):(.*)\Z")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?\Z"
)
_NUMERIC = re.compile(r"[0-9.]+\Z")
_HINT = "write HOST:PORT, [IPV6]:PORT, unix:/PATH or a Twisted endpoint"


def address(text: str, *, lowest: int = 1, port_needed: bool = True) -> Address:
    """An address; ports run from `lowest` to 65535, and 0 stands for none when it is not needed."""
    if not text:
        raise BadValue("an address is missing", _HINT)
    scheme, url, rest = text.partition("://")
    if url:
        raise BadValue(f"not an address: {text!r}", f"leave {scheme}:// away, write {rest.partition('/')[0]}")
    special = _endpoint(text)
    if special is not None:
        return special
    host, port = _split(text, needed=port_needed)
    if host:
        _check_host(host.removesuffix("%"), bracketed=text[0] == "[")
    if text[0] == "[":
        # In its one spelling (RFC 5952): a server is known by its address.
        host = str(ipv6(host, 1))
    return Address(host=host, port=_port(text, port, lowest) if port is not None else 0)


def _endpoint(text: str) -> Address | None:
    found = _ENDPOINT.match(text)
    if not found:
        return None
    kind, rest = found.groups()
    if kind == "unix":
        if not rest:
            raise BadValue("unix: without a path", "write unix:/run/NAME.sock")
        return Address(endpoint=text) if re.search(r":[a-z]+=", rest) else Address(path=rest)
    if kind in _ENDPOINTS and not (kind in {"host", "fd"} and rest.isdigit()):
        return Address(endpoint=text)
    if ":" in rest and "=" in rest:
        return Address(endpoint=text)
    return None


def _split(text: str, *, needed: bool) -> tuple[str, str | None]:
    """Host and port as written; port None when there is none and none is needed."""
    if text[0] == "[":
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and rest[0] != ":"):
            raise BadValue(f"not an address: {text!r}", _HINT)
        if rest:
            return host, rest[1:]
    elif text.count(":") > 1:
        raise BadValue("an IPv6 address needs brackets", "write [::1]:80")
    else:
        host, colon, port = text.partition(":")
        if colon:
            return host, port
        if text.isdigit():
            raise BadValue(f"{text} is a port without an address", f"write :{text} for all addresses")
    if needed:
        raise BadValue("the port is missing", f"write {text}:80, with the port that is meant")
    return host, None


def _port(text: str, port: str, lowest: int) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", port) or not lowest <= int(port) <= 65535:
        start = len(text) - len(port)
        raise BadValue(f"not a port: {port!r}", f"a port is a number from {lowest} to 65535", start)
    return int(port)


def _check_host(host: str, *, bracketed: bool) -> None:
    if bracketed:
        ipv6(host, 1)
    elif _NUMERIC.match(host):
        try:
            ipaddress.IPv4Address(host)
        except ValueError as error:
            raise BadValue(f"not an IPv4 address: {host!r}", "four numbers from 0 to 255") from error
    elif not _HOST.match(host):
        raise BadValue(f"not a host name: {host!r}", _HINT)


@remember("networks", 4096)
def network(text: str) -> Network:
    """`10.0.0.0/8`, `::1/128`, or a single address; IPv4 in IPv6 (`::ffff:10.0.0.0/104`) as what it is."""
    try:
        return _unmapped(ipaddress.ip_network(text))
    except ValueError as error:
        strict = str(error).endswith("has host bits set")
        if strict:
            whole = ipaddress.ip_network(text, strict=False)
            raise BadValue(f"{text} is not the network's first address", f"write {whole}") from error
        raise BadValue(
            f"not a network: {text!r}", "write an address or ADDRESS/BITS, as in 10.0.0.0/8"
        ) from error


def _unmapped(found: Network) -> Network:
    """Clients that come as IPv4 in IPv6 are compared as IPv4 (RFC 4291 2.5.5.2)."""
    mapped = found.network_address.ipv4_mapped if isinstance(found, ipaddress.IPv6Network) else None
    if mapped is None or found.prefixlen < 96:
        return found
    return ipaddress.IPv4Network((mapped, found.prefixlen - 96))


def ipv6(text: str, at: int = 0) -> ipaddress.IPv6Address:
    """An IPv6 address without brackets, which stands at `at` of the value."""
    try:
        return ipaddress.IPv6Address(text)
    except ValueError as error:
        raise BadValue(f"not an IPv6 address: {text!r}", _HINT, at) from error


def literal(host: str) -> str:
    """An IPv6 address in brackets in its one spelling (RFC 5952); anything else as it is."""
    try:
        return f"[{ipaddress.IPv6Address(host[1:-1])}]" if host.startswith("[") else host
    except ValueError:
        return host


def is_loopback(where: Address) -> bool:
    """True when only this machine can reach it, or when somebody else (systemd) opens it."""
    if where.path or where.endpoint.startswith(("unix:", "systemd:")):
        return True
    if where.endpoint:
        return "interface=127." in where.endpoint or r"interface=\:\:1" in where.endpoint
    if where.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(where.host).is_loopback
    except ValueError:
        return False
