"""Settings of the kernel: where an address can be, and who is answered for it.  Read, never written."""

from __future__ import annotations

from pathlib import Path

_CONF = Path("/proc/sys/net")


def arp_ignore(interface: str) -> int:
    """What holds for an interface: the larger of its own value and that of `all` (Linux `ip-sysctl.rst`)."""
    return max(_number("ipv4", name, "arp_ignore") for name in ("all", interface))


def forwards_v6(interface: str) -> bool:
    """The interface is a router's, as its neighbour advertisements have to say (RFC 4861, 4.4)."""
    return _number("ipv6", interface, "forwarding") > 0


def disables_v6(interface: str) -> bool:
    """No IPv6 address can be put on an interface; what is said of `all` is said to each."""
    return _number("ipv6", interface, "disable_ipv6") > 0


def _number(family: str, interface: str, key: str) -> int:
    """0 where the kernel has no such value, as for an interface that has just gone."""
    try:
        return int((_CONF / family / "conf" / interface / key).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
