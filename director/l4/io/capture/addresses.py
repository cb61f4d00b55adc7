"""Where a virtual address must be so that neighbours are answered for it, and putting it there.

IPv4: the kernel answers ARP for an address on any interface, so `lo` will do, unless `arp_ignore` of the
clients' interface is 1 or 2: then the address must be on that interface, and with 8 nothing helps.
IPv6: neighbours are answered for on the interface that has the address only, so it goes to the one on whose
network it lies.  An address that its networks do not hold is reached by way of routers; it goes to `lo`, and
for clients with a route of their own to every interface that is read and ignores what others have.

Nor may the host speak from it by itself: towards a server that holds it, too, checks would fail, and the
server's own answers end with it.  An IPv6 address is deprecated for that.  An IPv4 one has a narrow scope,
or an interface without an address of its own would borrow it from another (`inet_select_addr`): that of the
link on `lo`, since `arp_ignore` 3 leaves those of the host unanswered, and that of the host elsewhere.

What the host has by itself is left alone, and is enough wherever it stands.

Source: Linux `ip-sysctl.rst` (arp_ignore), `arp.c` (arp_ignore), `devinet.c`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterable, Sequence

from director.l4.io import sysctl
from director.l4.io.capture.plan import Address, parse_address
from director.l4.io.netlink.rtnetlink import SCOPE_HOST, SCOPE_LINK
from director.l4.io.netlink.socket import NetlinkSocket
from director.l4.io.netlink.view import KernelView, is_missing

Pair = tuple[str, str]
"""An interface and an address on it."""
Ignore = Callable[[str], int]
"""Says what `arp_ignore` is on an interface."""
LOOPBACK = "lo"
OWN_INTERFACE, OWN_NETWORK, NEVER = 1, 2, 8
"""Values of arp_ignore: answered on the interface that has it, there and to its network, not at all."""
_REFUSED = "is not answered for: net.ipv4.conf.{}.arp_ignore is {}, so {} finds it; set it to {}"


def places(
    view: KernelView,
    address: Address,
    read: Sequence[str],
    ours: Sequence[str] = (),
    ignore: Ignore = sysctl.arp_ignore,
) -> list[str]:
    """The interfaces that must have `address`, one of which may be `lo`.

    `read` are those that are read, `ours` those that have it from us.
    """
    on = linked(view, address)
    if address.is_loopback:
        return [LOOPBACK]
    if address.version == 6:
        return [name for name in on if name in ours][:1] or on[:1] or [LOOPBACK]
    strict = [name for name in on or read if ignore(name) in {OWN_INTERFACE, OWN_NETWORK}]
    return strict or [LOOPBACK]


def unanswered(
    view: KernelView,
    address: Address,
    read: Sequence[str],
    behind: Collection[str] = (),
    ignore: Ignore = sysctl.arp_ignore,
) -> str:
    """Why no neighbour is answered for `address`, or nothing.

    One outside all networks is asked for by clients, or routers, on any interface that is read, but for those
    that are `behind`, if others are left.
    """
    if address.version == 6 or address.is_loopback:
        return ""
    on = linked(view, address)
    asked = on or [name for name in read if name not in behind] or list(read)
    set_to = {name: ignore(name) for name in asked}
    if not asked or any(value != NEVER and (on or value != OWN_NETWORK) for value in set_to.values()):
        return ""
    name, value = next(iter(set_to.items()))
    who = "no neighbour" if value == NEVER else f"nobody on {name}, in whose networks it is not,"
    return _REFUSED.format(name, value, who, "0, 1 or 2" if on else "0 or 1")


def disabled(
    view: KernelView,
    address: Address,
    read: Sequence[str],
    disables: Callable[[str], bool] = sysctl.disables_v6,
) -> str:
    """Why an interface that must have `address` takes none like it, or nothing."""
    if address.version == 4:
        return ""
    wanted = missing(view, address, places(view, address, read), ())
    name = next(filter(disables, wanted), "")
    return f"cannot be added to {name}: net.ipv6.conf.{name}.disable_ipv6 is 1; set it to 0" if name else ""


def ignored(view: KernelView) -> Ignore:
    """`arp_ignore` as it is now, read once for all addresses: they may be thousands, and it is a file."""
    found = {link.name: sysctl.arp_ignore(link.name) for link in view.links.values()}
    return lambda name: found.get(name, 0)


def behind(view: KernelView, servers: Iterable[Address]) -> frozenset[str]:
    """The interfaces on whose networks the servers lie."""
    return frozenset(name for server in servers for name in linked(view, server))


def linked(view: KernelView, address: Address) -> list[str]:
    """The interfaces on whose networks `address` lies."""
    names = [view.links[index].name for index in view.connected(address.packed) if index in view.links]
    return [name for name in names if name != LOOPBACK]


def missing(view: KernelView, address: Address, wanted: Iterable[str], ours: Iterable[str]) -> list[str]:
    """Which of the `wanted` interfaces have `address` from us, now or soon; `ours` are those that have it.

    On `lo` it stands for any interface, so one that the host has by itself will do.
    """
    own = set(ours)
    holders = {view.links[index].name for index in view.holders(address.packed) if index in view.links}
    foreign = holders - own
    if address.version == 6 and foreign:
        return []
    return [name for name in wanted if name not in foreign and not (name == LOOPBACK and foreign)]


def put(asker: NetlinkSocket, view: KernelView, pair: Pair) -> str:
    """Add one address; that it is there is no error.  What went wrong, as a sentence, or nothing."""
    link, address = view.named(pair[0]), parse_address(pair[1])
    if address is None:
        return ""
    if link is None:
        return f"cannot be added to {pair[0]}: there is no such interface; it is added when there is"
    scope = 0
    if address.version == 4:
        scope = SCOPE_LINK if link.name == LOOPBACK else SCOPE_HOST
    try:
        asker.add_address(link.ifindex, address.packed, scope)
    except OSError as error:
        if error.errno == errno.EEXIST:
            return ""
        why = f"cannot be added to {link.name}: {error.strerror or error}"
        if address.version == 6 and error.errno in {errno.EACCES, errno.EPERM}:
            why += f"; is net.ipv6.conf.{link.name}.disable_ipv6 set?"
        return why
    return ""


def take(asker: NetlinkSocket, view: KernelView, pair: Pair) -> str:
    """Remove one address; that it is gone is no error.  What went wrong, as a sentence, or nothing."""
    link, address = view.named(pair[0]), parse_address(pair[1])
    if link is None or address is None:
        return ""
    try:
        asker.delete_address(link.ifindex, address.packed)
    except OSError as error:
        if not is_missing(error):
            return f"cannot be removed from {link.name}: {error.strerror or error}"
    return ""


def stands(view: KernelView, pair: Pair) -> bool:
    """The interface has the address, an IPv6 one not to speak from."""
    link, address = view.named(pair[0]), parse_address(pair[1])
    if link is None or address is None:
        return False
    held = link.ifindex in view.holders(address.packed)
    return held and (address.version == 4 or view.deprecated(address.packed))
