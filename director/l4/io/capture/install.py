"""Install what takes the virtual addresses away from the host's stack, and remove it again.

`Installer` blocks (nftables takes milliseconds), so the director calls it in a thread, one
call at a time.  Everything it puts into the kernel is named after the director and written
to `state_dir` before it is done, so the next start finds what a crash left and puts it right.

A virtual address is added only when the host does not have it, and only an address added
here is ever removed.  IPv4 goes to `lo`, where the kernel answers ARP for it; IPv6 goes to
the interface on whose network it lies, because neighbours are answered for there only.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import evolve, frozen

from director.errors import DirectorError
from director.l4.io.capture import nft
from director.l4.io.capture.plan import Address, CapturePlan, parse_address
from director.l4.io.capture.rules import removal, ruleset, table_name
from director.l4.io.netlink.socket import NetlinkSocket
from director.l4.io.netlink.view import KernelView, is_missing

STATE_FILE = "l4-capture.json"
PREFIX = "director-"
_SO_NETNS_COOKIE = 71
_VERSION = 1


@frozen
class Installed:
    """What a director has put into the kernel of one network namespace.

    `addresses` are (interface, address) pairs; `namespace` says where, so that a file that was
    written elsewhere is not acted on.
    """

    namespace: str
    table: str
    addresses: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """For the log."""
        held = ", ".join(f"{address} on {interface}" for interface, address in self.addresses)
        return f"nftables table netdev {self.table}; addresses: {held or 'none'}"


def namespace() -> str:
    """A name for this network namespace that no other has until the machine restarts."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
        cookie = sock.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8)
        return f"{boot} {int.from_bytes(cookie, 'little')}"
    return f"{boot} inode {Path('/proc/self/ns/net').stat().st_ino}"


def owner_text(director: str) -> str:
    """Who owns a table: the director's name, its process, and when that began."""
    pid = os.getpid()
    return f"{director} pid {pid} start {_start_time(pid)}"


def owner_lives(text: str) -> bool:
    """True when the process that `owner_text` named still runs and is another one than this."""
    words = text.split()
    try:
        pid, start = int(words[-3]), words[-1]
    except (IndexError, ValueError):
        return False
    return pid != os.getpid() and start == _start_time(pid)


def _start_time(pid: int) -> str:
    """Clock ticks from boot to the start of `pid`; field 22 of proc(5)'s stat, empty when gone."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return line.rpartition(")")[2].split()[19]


class State:
    """The file that says what is installed; replaced whole, never written in place."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / STATE_FILE

    def read(self) -> Installed | None:
        """What was written last, or None when there is nothing or nothing readable."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            if found["version"] != _VERSION:
                return None
            pairs = tuple((str(interface), str(address)) for interface, address in found["addresses"])
            return Installed(str(found["namespace"]), str(found["table"]), pairs)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, installed: Installed) -> None:
        """Put `installed` on the disk.  Raises OSError."""
        content = {
            "version": _VERSION,
            "namespace": installed.namespace,
            "table": installed.table,
            "addresses": installed.addresses,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}.tmp")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def remove(self) -> None:
        """Nothing is installed any more."""
        self.path.unlink(missing_ok=True)


class Installer:
    """The rules and addresses of one director in this network namespace."""

    def __init__(self, director: str, state_dir: Path, run: nft.Run) -> None:
        self.table = table_name(director)
        self._director, self._run = director, run
        self._state = State(state_dir)
        self._installed: Installed | None = None

    def apply(self, plan: CapturePlan, interfaces: Sequence[str]) -> None:
        """Make the kernel hold exactly what `plan` needs on `interfaces`; what was there before goes.

        Rules come before addresses, so the stack never answers for an address that is the
        director's.  Raises DirectorError when the rules are refused, when another director of this name
        runs here, or when the state cannot be written.
        """
        with contextlib.closing(NetlinkSocket()) as asker:
            view = KernelView(asker, lambda _event: None)
            view.read_all()
            installed = self._installed or self._found()
            wanted = self._wanted(plan, view, installed)
            both = dict.fromkeys((*installed.addresses, *wanted))
            self._write(evolve(installed, addresses=tuple(both)))
            self._run(
                ruleset(self.table, owner_text(self._director), plan, interfaces, self._local(plan, view))
            )
            for pair in wanted:
                _set_address(asker, view, pair, present=True)
            for pair in installed.addresses:
                if pair not in wanted:
                    _set_address(asker, view, pair, present=False)
            self._write(evolve(installed, addresses=wanted))

    def remove(self) -> None:
        """Take everything back; nothing of this director is left.  Raises DirectorError."""
        installed = self._installed or self._found()
        with contextlib.closing(NetlinkSocket()) as asker:
            view = KernelView(asker, lambda _event: None)
            view.read_all()
            for pair in installed.addresses:
                _set_address(asker, view, pair, present=False)
        self._run(removal(self.table))
        self._state.remove()
        self._installed = None

    def leftovers(self) -> Installed | None:
        """What an earlier run left here, or None; for the log, before the first `apply`."""
        found = self._state.read()
        if found is not None and found.namespace == namespace():
            return found
        return None

    def clear(self) -> Installed | None:
        """Take back what an earlier run left here, and say what it was.  Raises DirectorError, OSError."""
        left = self.leftovers()
        if left is not None:
            self.remove()
        return left

    def _found(self) -> Installed:
        """What is ours in the kernel now: from the file of an earlier run, if it is of this namespace."""
        owner = nft.owners(self._run, PREFIX).get(self.table, "")
        if owner_lives(owner):
            raise DirectorError(
                f"a director with this name runs here already ({owner}): give one of them another name in "
                "[director] name"
            )
        before = self._state.read()
        if before is not None and before.namespace == namespace() and before.table != self.table:
            # The director got another name since: its old table goes with it.
            if not owner_lives(nft.owners(self._run, PREFIX).get(before.table, "")):
                self._run(removal(before.table))
            return evolve(before, table=self.table)
        return before if before and before.namespace == namespace() else Installed(namespace(), self.table)

    def _wanted(
        self, plan: CapturePlan, view: KernelView, installed: Installed
    ) -> tuple[tuple[str, str], ...]:
        """The addresses to have added, with their interfaces: ours as they are, and the missing ones."""
        ours = {address: interface for interface, address in installed.addresses}
        result: list[tuple[str, str]] = []
        for address in plan.virtual_addresses():
            if str(address) in ours:
                result.append((ours[str(address)], str(address)))
            elif not view.holders(address.packed):
                result.append((_place(view, address), str(address)))
        return tuple(result)

    def _local(self, plan: CapturePlan, view: KernelView) -> Iterable[Address]:
        """The host's addresses, with the virtual ones that are about to be added."""
        here = {parse_address(socket.inet_ntop(_family(one), one)) for one in view.local()}
        found = [one for one in here if one is not None]
        return dict.fromkeys((*found, *plan.virtual_addresses()))

    def _write(self, installed: Installed) -> None:
        try:
            self._state.write(installed)
        except OSError as error:
            raise DirectorError(
                f"{self._state.path} cannot be written ({error.strerror}): layer 4 installs nothing that it "
                "could not remove after a crash; make state_dir writable"
            ) from error
        self._installed = installed


def _family(address: bytes) -> int:
    return socket.AF_INET if len(address) == 4 else socket.AF_INET6


def _place(view: KernelView, address: Address) -> str:
    ifindex = view.connected(address.packed) if address.version == 6 else None
    return view.links[ifindex].name if ifindex in view.links else "lo"


def _set_address(asker: NetlinkSocket, view: KernelView, pair: tuple[str, str], *, present: bool) -> None:
    """Add or remove one address; that it is so already is no error."""
    link, address = view.named(pair[0]), parse_address(pair[1])
    if link is None or address is None:
        return
    order = asker.add_address if present else asker.delete_address
    try:
        order(link.ifindex, address.packed)
    except OSError as error:
        if not is_missing(error):
            verb = "added to" if present else "removed from"
            raise DirectorError(
                f"{address} cannot be {verb} {link.name}: {error.strerror or error}"
            ) from error
