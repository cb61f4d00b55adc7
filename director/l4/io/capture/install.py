"""Install what takes the virtual addresses away from the host's stack, and remove it again.

`Installer` blocks (nftables takes milliseconds), so the director calls it in a thread, one
call at a time.  Everything it puts into the kernel is named after the director and written
to `state_dir` before it is done, so the next start finds what a crash left and puts it right.

A virtual address is added only when the host does not have it, and only an address added
here is ever removed; `addresses` says where it has to be.  One that cannot be added is no reason not to
serve the others: it is said, and tried again.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attrs import evolve, frozen

from director.errors import DirectorError
from director.l4.io.capture import addresses, nft
from director.l4.io.capture.addresses import Pair
from director.l4.io.capture.plan import Address, CapturePlan, parse_address
from director.l4.io.capture.rules import content, table_name
from director.l4.io.capture.tables import Tables, removal
from director.l4.io.netlink.socket import NetlinkSocket
from director.l4.io.netlink.view import KernelView

STATE_FILE = "l4-capture.json"
PREFIX = "director-"
_SO_NETNS_COOKIE = 71
_VERSION = 1


@frozen
class Installed:
    """What a director has put into the kernel of one network namespace.

    `table` is the first of its two (`tables`); `addresses` are (interface, address) pairs; `namespace`
    says where, so that a file that was written elsewhere is not acted on.
    """

    namespace: str
    table: str
    addresses: tuple[Pair, ...] = ()

    def __str__(self) -> str:
        """For the log."""
        held = ", ".join(f"{address} on {interface}" for interface, address in self.addresses)
        return f"nftables table netdev {self.table}; addresses: {held or 'none'}"


@frozen
class CaptureOutcome:
    """What came of an `Installer.apply`.

    `problems` has a sentence for each virtual address that clients cannot reach; `held` are the pairs
    (interface, address) that are there because of this director, `put` those of them that it found missing,
    or found at its start.
    """

    problems: dict[str, str]
    held: tuple[Pair, ...] = ()
    put: tuple[Pair, ...] = ()


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
    """Clock ticks from boot to the start of `pid`; field 22 of proc(5)'s stat, empty when it has ended.

    Nobody may have waited for it yet (Z): that is for whoever adopted it.
    """
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = line.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


class InstallState:
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

    def __init__(self, director: str, state_dir: Path, session: nft.NftSession) -> None:
        self.tables = Tables(table_name(director), session)
        self._director, self._session = director, session
        self._state = InstallState(state_dir)
        self._installed: Installed | None = None
        self._problems: dict[str, str] = {}

    def apply(self, plan: CapturePlan, interfaces: Sequence[str]) -> CaptureOutcome:
        """Make the kernel hold exactly what `plan` needs on `interfaces`; what was there before goes.

        Rules come before addresses, so the stack never answers for an address that is the
        director's.  Raises DirectorError when the rules are refused, when another director of this name
        runs here, or when the state cannot be written.
        """
        with _view() as (asker, view):
            first = self._installed is None
            installed = self._installed or self._found()
            ignore = addresses.ignored(view)
            wanted = self._wanted(plan, view, installed, interfaces, ignore)
            fresh = tuple(pair for pair in wanted if first or not addresses.stands(view, pair))
            both = dict.fromkeys((*installed.addresses, *wanted))
            self._write(evolve(installed, addresses=tuple(both)))
            self.tables.replace(
                content(owner_text(self._director), plan, interfaces, self._local(plan, view))
            )
            problems = self._unanswered(plan, view, interfaces, ignore)
            for pair in wanted:
                _note(problems, pair, addresses.put(asker, view, pair))
            for pair in installed.addresses:
                if pair not in wanted:
                    _note(problems, pair, addresses.take(asker, view, pair))
            self._write(evolve(installed, addresses=wanted))
        self._problems = problems
        return CaptureOutcome(problems, wanted, tuple(pair for pair in fresh if pair[1] not in problems))

    def damage(self, plan: CapturePlan, interfaces: Sequence[str]) -> str | None:
        """What is not as the last `apply` of the same left it, None when all is.

        The sentence is empty when there is nothing to say of it.  Raises DirectorError as `apply` does.
        """
        installed = self._installed
        if installed is None or not self.tables.intact():
            return "the director's nftables rules were changed by somebody else; they are put right"
        with _view() as (_asker, view):
            ignore = addresses.ignored(view)
            wanted = self._wanted(plan, view, installed, interfaces, ignore)
            there = wanted == installed.addresses and all(addresses.stands(view, one) for one in wanted)
            said = self._unanswered(plan, view, interfaces, ignore)
            return None if there and said == self._problems else ""

    def remove(self) -> None:
        """Take everything back; nothing of this director is left.  Raises DirectorError."""
        installed = self._installed or self._found()
        problems: dict[str, str] = {}
        with _view() as (asker, view):
            for pair in installed.addresses:
                _note(problems, pair, addresses.take(asker, view, pair))
        self.tables.remove()
        if problems:
            raise DirectorError("; ".join(f"{address} {why}" for address, why in problems.items()))
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
        owner = self.tables.owner()
        if owner_lives(owner):
            raise DirectorError(
                f"a director with this name runs here already ({owner}): give one of them another name in "
                "[director] name"
            )
        table, before = self.tables.name, self._state.read()
        if before is None or before.namespace != namespace():
            return Installed(namespace(), table)
        if before.table != table:
            # The director got another name since: its old tables go with it.
            old = Tables(before.table, self._session)
            if not owner_lives(old.owner()):
                self._session(removal(old.name) + removal(old.spare))
            return evolve(before, table=table)
        return before

    def _wanted(
        self,
        plan: CapturePlan,
        view: KernelView,
        installed: Installed,
        interfaces: Sequence[str],
        ignore: addresses.Ignore,
    ) -> tuple[Pair, ...]:
        """The addresses that are to be ours, with their interfaces."""
        result: list[Pair] = []
        held: dict[str, list[str]] = {}
        for interface, text in installed.addresses:
            held.setdefault(text, []).append(interface)
        for address in plan.virtual_addresses():
            text = str(address)
            ours = held.get(text, [])
            wanted = addresses.places(view, address, interfaces, ours, ignore)
            result += [(name, text) for name in addresses.missing(view, address, wanted, ours)]
        return tuple(result)

    def _unanswered(
        self, plan: CapturePlan, view: KernelView, interfaces: Sequence[str], ignore: addresses.Ignore
    ) -> dict[str, str]:
        behind = addresses.behind(view, dict.fromkeys(one.address for one in plan.answers))
        found = {
            str(one): addresses.unanswered(view, one, interfaces, behind, ignore)
            for one in plan.virtual_addresses()
        }
        return {address: why for address, why in found.items() if why}

    def _local(self, plan: CapturePlan, view: KernelView) -> Iterable[Address]:
        """The host's addresses, with the virtual ones that are about to be added."""
        here = {parse_address(socket.inet_ntop(_family(one), one)) for one in view.local()}
        found = [one for one in here if one is not None]
        return dict.fromkeys((*found, *plan.virtual_addresses()))

    def _write(self, installed: Installed) -> None:
        if installed == self._installed:
            return
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


@contextlib.contextmanager
def _view() -> Iterator[tuple[NetlinkSocket, KernelView]]:
    """Links and addresses as they are now, and who asks for them."""
    with contextlib.closing(NetlinkSocket()) as asker:
        view = KernelView(asker, lambda _event: None)
        view.read_all()
        yield asker, view


def _note(problems: dict[str, str], pair: Pair, why: str) -> None:
    if why:
        problems[pair[1]] = why
