"""Which options a command of `ipvsadm` needs, may have, and of which it may have one (I.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from attrs import frozen

from director.cli.lvs.popt import BadOptionError

NAMES = (
    "numeric", "connection", "service-address", "scheduler", "persistent", "netmask", "real-server",
    "forwarding-method", "weight", "u-threshold", "l-threshold", "mcast-interface", "timeout", "daemon",
    "stats", "rate", "thresholds", "persistent-conn", "nosort", "syncid", "exact", "ops", "pe", "sched-flags",
    "mcast-group", "mcast-port", "mcast-ttl", "sync-maxlen", "tun-info", "tun-type", "tun-port", "tun-nocsum",
    "tun-csum", "tun-remcsum",
)  # fmt: skip
"""What messages call the options; the first of these that is wrong is the one that is told."""

_SERVICE = {"scheduler", "persistent", "netmask", "ops", "pe", "sched-flags"}
TUNNEL = {"tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum"}
_SERVER = {"forwarding-method", "weight", "u-threshold", "l-threshold"} | TUNNEL
_LISTED = {
    "numeric", "connection", "service-address", "timeout", "daemon", "stats", "rate", "thresholds",
    "persistent-conn", "nosort", "syncid", "exact", "tun-info",
}  # fmt: skip
_MULTICAST = {"mcast-interface", "syncid", "mcast-group", "mcast-port", "mcast-ttl", "sync-maxlen"}


@frozen
class Legal:
    """What a command needs, may have, and of which it may have one."""

    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    one_of: tuple[str, ...] = ()


def _legal(needs: set[str], allows: set[str], one_of: tuple[str, ...] = ()) -> Legal:
    return Legal(frozenset(needs), frozenset(needs | allows), one_of)


LEGAL: Mapping[str, Legal] = {
    "add-service": _legal({"service-address"}, _SERVICE),
    "edit-service": _legal({"service-address"}, _SERVICE),
    "delete-service": _legal({"service-address"}, set()),
    "flush": _legal(set(), set()),
    "add-server": _legal({"service-address", "real-server"}, _SERVER),
    "edit-server": _legal({"service-address", "real-server"}, _SERVER),
    "delete-server": _legal({"service-address", "real-server"}, set()),
    "list": _legal(set(), _LISTED, ("connection", "service-address", "timeout", "daemon")),
    "set": _legal(set(), set()),
    "start-daemon": _legal(set(), _MULTICAST),
    "stop-daemon": _legal(set(), {"syncid"}),
    "restore": _legal(set(), set()),
    "save": _legal(set(), {"numeric"}),
    "zero": _legal(set(), {"service-address"}),
}
TUNNELS: Mapping[str, Legal] = {
    "ipip": _legal(set(), {"tun-type"}),
    "gue": _legal({"tun-port"}, TUNNEL, ("tun-nocsum", "tun-csum", "tun-remcsum")),
    "gre": _legal(set(), {"tun-type", "tun-nocsum", "tun-csum"}, ("tun-nocsum", "tun-csum")),
}


def lawful(options: AbstractSet[str], legal: Legal, where: str, only: Sequence[str] = NAMES) -> None:
    """Raises BadOptionError for the first option of `only` that is wrong or wanting."""
    chosen = ""
    for name in only:
        if name not in options:
            if name in legal.needs:
                raise BadOptionError(f"You need to supply the '{name}' option for {where}")
        elif name not in legal.allows:
            raise BadOptionError(f"Illegal '{name}' option with {where}")
        elif name in legal.one_of:
            if chosen:
                raise BadOptionError(f"The option '{name}' conflicts with the '{chosen}' option in {where}")
            chosen = name
