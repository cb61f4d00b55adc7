"""What `[l4]` and `[l4:NAME]` say: virtual services, netmasks, sysctls.

Ranges are ipvsadm's and the kernel's (`lvs-semantics` B.2, C.7, I.1).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from itertools import zip_longest

from director.config.parse import units
from director.config.parse.addresses import address
from director.config.parse.values import listed, one_of, within, words
from director.config.text.messages import BadValue
from director.model.pools import Network
from director.model.virtual import EVERY_PORT, PROTOCOLS, SyncDaemon, Virtual

MOST_PORTS = 8
_RULE = "write PROTOCOL ADDRESS[/PREFIX][:PORT[-PORT]], as in tcp 192.0.2.0/28:80-90; IPv6 with ports in []"
_FORM = "write tcp ADDRESS:PORT, udp …, sctp …, or fwmark NUMBER [inet6]"


def virtual(text: str) -> Virtual:
    """`udp 192.0.2.53:53` or `fwmark 1 inet6`."""
    found = words(text)
    kind = within(found[0][0], lambda word: one_of(word, (*PROTOCOLS, "fwmark")), found[0][1])
    if len(found) == 1:
        raise BadValue(f"{kind} of what?", _FORM, len(text))
    last = 3 if kind == "fwmark" else 2
    if len(found) > last:
        raise BadValue(f"unexpected {found[last][1]!r}", _FORM, found[last][0])
    at, word = found[1]
    if kind == "fwmark":
        mark = within(at, lambda text: units.count(text, 1, 2**32 - 1), word)
        if len(found) == last and found[2][1] != "inet6":
            raise BadValue(
                f"unexpected {found[2][1]!r}", "write inet6 for IPv6, nothing for IPv4", found[2][0]
            )
        return Virtual(protocol="", fwmark=mark, family=6 if len(found) == last else 4)
    return within(at, lambda text: _addressed(kind, text), word)


def _addressed(protocol: str, text: str) -> Virtual:
    where = address(text, lowest=0)
    try:
        found = ipaddress.ip_address(where.host)
    except ValueError as error:
        raise BadValue(
            "a virtual service needs an IP address", "write the address itself, with its port"
        ) from error
    everybody = str(found) == "255.255.255.255"
    if found.is_unspecified or everybody or (found.is_multicast and protocol != "udp"):
        raise BadValue(f"{found} is nobody's address", "write the virtual address that clients use")
    return Virtual(protocol=protocol, host=str(found), port=where.port, family=found.version)


def netmask(text: str) -> int:
    """`24` or `255.255.255.0` as a prefix length; 1 to 128, checked against the family by `build`."""
    if re.fullmatch(r"[0-9]{1,3}", text):
        return units.count(text, 1, 128)
    try:
        return ipaddress.IPv4Network(f"0.0.0.0/{text}").prefixlen or _no_mask(text)
    except ValueError as error:
        raise BadValue(f"not a netmask: {text!r}", "write a prefix length, as in 24") from error


def _no_mask(text: str) -> int:
    raise BadValue(f"not a netmask: {text!r}", "the mask must keep at least one bit")


def number(low: int, high: int) -> Callable[[str], int]:
    """A sysctl that is a number."""
    return lambda text: units.count(text, low, high)


def flag(text: str) -> int:
    """A sysctl that is 0 or 1."""
    words_of = {"0": 0, "1": 1, "no": 0, "yes": 1, "off": 0, "on": 1}
    if text not in words_of:
        raise BadValue(f"{text!r} is neither 0 nor 1", "write 0 or 1")
    return words_of[text]


def seconds(text: str) -> int:
    """A sysctl that is a time in whole seconds."""
    found = units.duration(text)
    if found != int(found):
        raise BadValue(f"{text} is not in whole seconds", "write a number of seconds, as in 30s")
    return int(found)


def ports(text: str) -> tuple[int, ...]:
    """`21, 2121`: one to eight ports."""
    found = [(at, within(at, lambda one: units.count(one, 1, 65535), word)) for at, word in listed(text)]
    if len(found) > MOST_PORTS:
        raise BadValue("too many ports", f"write at most {MOST_PORTS}", found[MOST_PORTS][0])
    return tuple(number for _at, number in found)


Marked = tuple[int, Network, tuple[int, int]]
"""What one rule gives a mark to: a protocol's number (0 = any), addresses, an inclusive range of ports."""


def marks(text: str) -> tuple[Marked, ...]:
    """`tcp 192.0.2.0/28:80, ip [2001:db8::]/64`: what gets a firewall mark."""
    at, rules = 0, []
    for part in text.split(","):
        rules.append(within(at, _mark, part))
        at += len(part) + 1
    return tuple(rules)


def _mark(text: str) -> Marked:
    found = words(text)
    if len(found) != 2:
        raise BadValue("not a rule for a mark", _RULE, found[0][0] if found else 0)
    (start, protocol), (at, where) = found
    within(start, lambda word: one_of(word, (*PROTOCOLS, "ip")), protocol)
    return PROTOCOLS.get(protocol, 0), *within(at, _marked, where)


def _marked(text: str) -> tuple[Network, tuple[int, int]]:
    """`ADDRESS[/PREFIX][:PORT[-PORT]]`; an IPv6 address with ports stands in brackets."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        prefix, colon, span = rest.partition(":")
        host += prefix
    elif text.count(":") > 1:
        host, colon, span = text, "", ""
    else:
        host, colon, span = text.partition(":")
    try:
        network = ipaddress.ip_network(host)
    except ValueError as error:
        raise BadValue(str(error), _RULE) from error
    if not colon:
        return network, EVERY_PORT
    numbers = [units.count(one, 0, 65535) for one in span.split("-", 1)]
    if numbers[0] > numbers[-1]:
        raise BadValue(f"{span} is no range of ports", "write the smaller port first", len(text) - len(span))
    return network, (numbers[0], numbers[-1])


def sync_threshold(text: str) -> tuple[int, int]:
    """`3 50`: threshold and period, 0 <= threshold < period (a period of 0 is allowed)."""
    found = re.fullmatch(r"([0-9]{1,9})\s+([0-9]{1,9})", text)
    if not found or (int(found[2]) and int(found[1]) >= int(found[2])):
        raise BadValue("expected THRESHOLD PERIOD", "write 3 50: the first is smaller than the second")
    return int(found[1]), int(found[2])


def power_of_two(text: str) -> int:
    """`sync_ports`: 1, 2, 4 … 64."""
    return int(one_of(text, ("1", "2", "4", "8", "16", "32", "64")))


def _group(text: str) -> str:
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise BadValue(str(error), "write a multicast address, as in 224.0.0.81") from error
    if not found.is_multicast:
        raise BadValue(f"{text} is not a multicast address", "224.0.0.81 is the usual one")
    return str(found)


_DAEMON = "write INTERFACE, then syncid N, group ADDRESS, port N, ttl N or maxlen N, as in eth0 syncid 7"
_OF_DAEMON: dict[str, Callable[[str], object]] = {
    "syncid": lambda text: units.count(text, 0, 255),
    "group": _group,
    "port": lambda text: units.count(text, 1, 65535),
    "ttl": lambda text: units.count(text, 1, 255),
    "maxlen": lambda text: units.count(text, 1, 65507),
}
"""What a synchronisation daemon may be told; the ranges are ipvsadm's."""


def sync_daemon(text: str) -> SyncDaemon:
    """`eth0 syncid 7 group 224.0.0.81 port 8848 ttl 1 maxlen 1472`: one end of synchronisation."""
    (start, interface), *rest = words(text) or [(0, "")]
    if not re.fullmatch(r"[^\s/]{1,15}", interface):
        raise BadValue(f"not an interface: {interface!r}", _DAEMON, start)
    said: dict[str, object] = {}
    for (at, word), value in zip_longest(rest[::2], rest[1::2]):
        within(at, lambda one: one_of(one, _OF_DAEMON), word)
        if value is None or word in said:
            raise BadValue(f"{word} needs one value", _DAEMON, at)
        said[word] = within(value[0], _OF_DAEMON[word], value[1])
    return SyncDaemon(interface, **said)  # type: ignore[arg-type]  # each by its own reader
