"""Whether this machine is as a configuration needs it (composition).

Only a check asks, and all it says are warnings: a start serves what it can, says what it cannot, and tries
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from director.config.loaded import Loaded
from director.config.text.messages import WARNING, Problem
from director.l4 import here
from director.l4.io.capture import addresses
from director.l4.io.capture.plan import capture_plan, parse_address
from director.l4.io.netlink.socket import NetlinkSocket
from director.l4.io.netlink.view import KernelView
from director.l7.io.listener import taken
from director.model.pools import Address
from director.model.settings import Configuration
from director.model.virtual import L4Settings
from director.program.listen_alerts import lacking
from director.store.io.place import held

_LACKING = "right for a standby; else correct it, or add the address (ip address add). --offline does not ask"
_ARP = "the director says so in /readyz, too, until it is set. --offline does not ask"
_DOWN = "ip link set it up; the director works on it when it is. --offline does not ask"
_TAKEN = "the director starts all the same if it can open another, and tries again. --offline does not ask"
_NO_PAGE = "the director starts without its page, and tries again. --offline does not ask"
_HERE = "--offline does not ask"
_NO_INTERFACE = "correct it; if it is right, layer 4 starts on it when it appears. --offline does not ask"


def problems(loaded: Loaded, configuration: Configuration) -> list[Problem]:
    """A warning for each address that clients could not reach here, and each interface that is not there."""
    found = [
        loaded.problem_at(
            service,
            "listen",
            f"this machine does not have the address of {address} now; the director waits for it",
            _LACKING,
            WARNING,
        )
        for service, address in lacking(configuration)
    ]
    if not held(Path(configuration.settings.state_dir)):
        # Else it is most likely the director itself that listens there.
        found += [
            loaded.problem_at(section, "listen", f"{address} cannot be opened now: {why}", hint, WARNING)
            for section, address, hint in _listeners(configuration)
            if not address.endpoint and (why := taken(address))
        ]
    if configuration.l4:
        # Without netlink there is no layer 4, and a start says so.
        with suppress(OSError), closing(NetlinkSocket()) as asker:
            view = KernelView(asker, lambda _event: None)
            view.read_all()
            found += _packet_problems(loaded, configuration, view)
    return found


def _listeners(configuration: Configuration) -> Iterator[tuple[str, Address, str]]:
    """(section, address, what a start does when another program has it)."""
    for service in configuration.l7:
        for address in service.listen:
            yield f"l7:{service.name}", address, _TAKEN
    if configuration.admin is not None:
        yield "admin", configuration.admin.listen, _NO_PAGE


def _packet_problems(loaded: Loaded, configuration: Configuration, view: KernelView) -> list[Problem]:
    """What layer 4 would meet."""
    settings = configuration.l4_settings or L4Settings()
    names = [link.name for link in view.links.values() if link.name != addresses.LOOPBACK]
    read = [name for name in names if not settings.interfaces or name in settings.interfaces]
    found = [
        loaded.problem_at("l4", "interfaces", f"there is no interface {name} now", _NO_INTERFACE, WARNING)
        for name in settings.interfaces
        if name not in names
    ]
    found += [
        loaded.problem_at("l4", "interfaces", f"interface {link.name} is down now", _DOWN, WARNING)
        for link in view.links.values()
        if link.name in settings.interfaces and not (link.up and link.running)
    ]
    pools = {pool.name: pool for pool in configuration.pools}
    plan = capture_plan(configuration.l4, pools, (), settings.marks)
    ignore = addresses.ignored(view)
    behind = addresses.behind(view, dict.fromkeys(one.address for one in plan.answers))
    for service in configuration.l4:
        address = parse_address(service.virtual.host)
        if address is None:
            continue
        why = addresses.unanswered(view, address, read, behind, ignore)
        why = why or addresses.disabled(view, address, read)
        if why:
            text = f"virtual address {address} {why}"
            found.append(loaded.problem_at(f"l4:{service.name}", "virtual", text, _ARP, WARNING))
    local = view.local() | {address.packed for address in plan.virtual_addresses()}
    for one in here.unfit(configuration.l4, pools, settings.marks, local):
        place = f"pool:{one.pool}", f"server.{one.server.name}"
        found.append(loaded.problem_at(*place, f"the server {one.why}", f"{one.hint}. {_HERE}", WARNING))
    return found
