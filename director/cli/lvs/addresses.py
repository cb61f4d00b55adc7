"""host[:port] as LVS's commands read and print it.

A host is a dotted IPv4 address (also in the short forms of inet_aton), a name, or an IPv6 address in
brackets; a port is a number or a service's name.
"""

from __future__ import annotations

import socket

from director.model.virtual import Virtual

LARGEST_PORT = 65535


class NoAddressError(ValueError):
    """The text is no host[:port]."""


def number(text: str, least: int, most: int) -> int | None:
    """A decimal number within bounds, blanks before it allowed (strtol); None for anything else."""
    stripped = text.lstrip()
    digits = stripped[1:] if stripped[:1] in {"+", "-"} else stripped
    if not (digits.isascii() and digits.isdigit()):
        return None
    value = int(stripped)
    return value if least <= value <= most else None


def endpoint(text: str, protocol: str) -> tuple[str, int | None]:
    """Address and port (None when it is left out).  Raises NoAddressError."""
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            raise NoAddressError(text)
        return _ipv6(host), _port(port[1:], protocol) if port else None
    host, colon, port = text.partition(":")
    return _ipv4(host), _port(port, protocol) if colon else None


def _ipv6(host: str) -> str:
    try:
        return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host))
    except OSError as error:
        raise NoAddressError(host) from error


def _ipv4(host: str) -> str:
    if not host or host.isdigit():
        raise NoAddressError(host)  # a bare number would be an address to inet_aton
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        pass
    try:
        return socket.gethostbyname(host)
    except (OSError, UnicodeError) as error:
        raise NoAddressError(host) from error


def _port(text: str, protocol: str) -> int:
    value = number(text, 0, LARGEST_PORT)
    if value is not None:
        return value
    try:
        return socket.getservbyname(text, protocol)
    except (OSError, ValueError) as error:
        raise NoAddressError(text) from error


def shown(host: str, port: int, protocol: str, *, numeric: bool) -> str:
    """`host:port` for people; with names looked up unless `numeric`."""
    if not numeric:
        host, name = _host_name(host), _port_name(port, protocol)
    else:
        name = str(port)
    return f"[{host}]:{name}" if ":" in host else f"{host}:{name}"


def _host_name(host: str) -> str:
    try:
        return socket.gethostbyaddr(host)[0]
    except OSError:
        return host


def _port_name(port: int, protocol: str) -> str:
    try:
        return socket.getservbyport(port, protocol)
    except (OSError, OverflowError):
        return str(port)


def service_name(virtual: Virtual, *, numeric: bool, width: int = 0) -> str:
    """`TCP  192.0.2.1:80`, `FWM  1 IPv6`; `width` cuts an IPv4 address as the listing does."""
    if virtual.fwmark:
        return f"FWM  {virtual.fwmark}{' IPv6' if virtual.family == 6 else ''}"
    place = shown(virtual.host, virtual.port, virtual.protocol, numeric=numeric)
    if width and ":" not in virtual.host:
        place = place[: width - 5]
    return f"{virtual.protocol.upper():<4} {place}"
