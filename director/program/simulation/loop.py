"""A reactor without a kernel and without a clock of its own: time passes when nothing is left to do in it.

Everything that will happen stands in one heap, by time and then by the order in which it was asked for, so
two runs of the same schedule are the same to the last call.  Readiness is told as the epoll reactor tells it
(`l7.io.reactor`): a descriptor that can be read or written is dispatched in a turn of its own, and one whose
peer has reset it is lost, unless there is something to read first.  Where the shells ask the kernel for a
socket or look at one from outside (`socket`, `poll`), this stands for the kernel.
"""

from __future__ import annotations

import errno
import heapq
import select
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorFDSet, IReactorTime
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure
from zope.interface import implementer

from director.program.simulation.network import Network
from director.program.simulation.sockets import End
from director.program.simulation.splicing import MemoryPipes
from director.program.simulation.transport import dial

if TYPE_CHECKING:
    from director.program.simulation.transport import Dialled

LATER = 1e-6
"""Seconds between what comes first and what comes last after a hold-up."""


@implementer(IDelayedCall)
class Timer:
    """Something that will be called, unless it is cancelled."""

    __slots__ = ("_call", "_loop", "_state", "time")

    def __init__(self, loop: SimulatedLoop, time: float, call: Callable[[], object]) -> None:
        self.time = time
        self._loop = loop
        self._call = call
        self._state = ""

    def active(self) -> bool:
        """It will be called."""
        return not self._state

    def getTime(self) -> float:  # noqa: N802 - Twisted's
        """When."""
        return self.time

    def cancel(self) -> None:
        """Not any more."""
        self._still()
        self._state = "cancelled"

    def reset(self, seconds: float) -> None:
        """So many seconds from now instead."""
        self._put(self._loop.seconds() + seconds)

    def delay(self, seconds: float) -> None:
        """So many seconds later."""
        self._put(self.time + seconds)

    def _put(self, time: float) -> None:
        self._still()
        self.time = time
        self._loop.at(time, self.due, time)

    def _still(self) -> None:
        if self._state:
            raise AlreadyCancelled if self._state == "cancelled" else AlreadyCalled

    def due(self, time: float) -> None:
        """The time has come for which it was put last, or one for which it was put before."""
        if not self._state and time == self.time:
            self._state = "called"
            self._call()


@implementer(IReactorTime, IReactorFDSet)
class SimulatedLoop:
    """The loop of one simulated director.

    Attributes:
        network: what its sockets are connected to.
        pipes: what moves octets from one to another.
        starving: the process has no descriptor left.
        held_until: until then it stands still.
        events: how much has happened.
        looked: called after each thing that happened, if anybody looks.
    """

    def __init__(self) -> None:
        self.network = Network(self)
        self.pipes = MemoryPipes(self.network)
        self.events = 0
        self.looked: Callable[[], object] | None = None
        self._halted = False
        self.starving = False
        self.held_until = 0.0
        self._reads_first = True
        self._now = 0.0
        self._order = 0
        self._heap: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._timers: set[Timer] = set()
        self._readers: dict[int, Any] = {}
        self._writers: dict[int, Any] = {}
        self._due: set[int] = set()
        self._ended: dict[int, Any] = {}

    # -- time --

    def seconds(self) -> float:
        """Now."""
        return self._now

    def at(self, time: float, act: Callable[..., object], *arguments: Any) -> None:
        """Do it then."""
        self._order += 1
        heapq.heappush(self._heap, (max(time, self._now), self._order, act, arguments))

    def after(self, seconds: float, act: Callable[..., object], *arguments: Any) -> None:
        """Do it so much later."""
        self.at(self._now + seconds, act, *arguments)

    def callLater(  # type: ignore[override]  # noqa: N802 - Twisted's; nobody names `callable`
        self, delay: float, call: Callable[..., object], *args: object, **kwargs: object
    ) -> Timer:
        """As Twisted's."""
        time = self._now + delay

        def fire() -> None:
            self._timers.discard(timer)
            call(*args, **kwargs)

        timer = Timer(self, time, fire)
        self._timers.add(timer)
        self.at(time, timer.due, time)
        return timer

    def getDelayedCalls(self) -> list[Timer]:  # noqa: N802 - Twisted's
        """What is still to be called."""
        return sorted((one for one in self._timers if one.active()), key=lambda one: one.time)

    def callFromThread(self, call: Callable[..., object], *args: object, **kwargs: object) -> None:
        """There are no threads."""
        self.callLater(0, call, *args, **kwargs)

    def callWhenRunning(self, call: Callable[..., object], *args: object, **kwargs: object) -> None:  # noqa: N802 - Twisted's
        """It runs always."""
        self.callLater(0, call, *args, **kwargs)

    def run(self, until: float) -> None:
        """Let time pass, to `until`, unless it is halted."""
        heap, pop = self._heap, heapq.heappop
        self._halted = False
        while heap and heap[0][0] <= until and not self._halted:
            self._now, _, act, arguments = pop(heap)
            self.events += 1
            if self._now < self.held_until and self._wait(act, arguments):
                continue
            act(*arguments)
            if self.looked is not None:
                self.looked()
        if not self._halted:
            self._now = max(self._now, until)

    def hold_up(self, seconds: float, *, reads_first: bool) -> None:
        """The process stands still for so long; the rest of the world does not.

        `reads_first`: it was stopped while it waited, so it looks at its sockets before it knows how late it
        is.  Otherwise something kept it busy, and timers that are due come first.
        """
        self.held_until = self._now + seconds
        self._reads_first = reads_first

    def _wait(self, act: Callable[..., object], arguments: tuple[Any, ...]) -> bool:
        """Put off what the process would do; False for what is not its own."""
        owner = getattr(act, "__self__", None)
        is_timer = isinstance(owner, Timer)
        if not (is_timer or owner is self):
            return False
        later = is_timer is self._reads_first
        self._order += 1
        heapq.heappush(self._heap, (self.held_until + later * LATER, self._order, act, arguments))
        return True

    @property
    def is_held(self) -> bool:
        """The process stands still."""
        return self._now < self.held_until

    def when_free(self, act: Callable[..., object]) -> None:
        """Do it when the process goes on."""
        self.at(self.held_until, act)

    def halt(self) -> None:
        """Let no more time pass in this `run`."""
        self._halted = True

    # -- descriptors --

    def addReader(self, reader: Any) -> None:  # noqa: N802 - Twisted's
        """As Twisted's."""
        self._readers[reader.fileno()] = reader
        self.changed(reader.fileno())

    def addWriter(self, writer: Any) -> None:  # noqa: N802 - Twisted's
        """As Twisted's."""
        self._writers[writer.fileno()] = writer
        self.changed(writer.fileno())

    def removeReader(self, reader: Any) -> None:  # noqa: N802 - Twisted's
        """As Twisted's."""
        self._readers.pop(reader.fileno(), None)

    def removeWriter(self, writer: Any) -> None:  # noqa: N802 - Twisted's
        """As Twisted's."""
        self._writers.pop(writer.fileno(), None)

    def removeAll(self) -> list[Any]:  # noqa: N802 - Twisted's
        """As Twisted's."""
        found = self.getReaders() + self.getWriters()
        self._readers.clear()
        self._writers.clear()
        return found

    def getReaders(self) -> list[Any]:  # noqa: N802 - Twisted's
        """As Twisted's."""
        return list(self._readers.values())

    def getWriters(self) -> list[Any]:  # noqa: N802 - Twisted's
        """As Twisted's."""
        return list(self._writers.values())

    def changed(self, number: int) -> None:
        """A descriptor may be ready: look in a turn of its own."""
        if number in self._due:
            return
        end = self.network.ends.get(number)
        if end is not None and self._is_ready(number, end):
            self._due.add(number)
            self.at(self._now, self._look, number)

    def _is_ready(self, number: int, end: Any) -> bool:
        if number in self._readers and (end.readable or end.broken):
            return True
        return number in self._writers and (end.writable or end.broken)

    def _look(self, number: int) -> None:
        self._due.discard(number)
        end = self.network.ends.get(number)
        if end is None or not self._is_ready(number, end):
            return
        reader, writer = self._readers.get(number), self._writers.get(number)
        why = None
        if end.broken and not (reader is not None and end.readable):
            why = CONNECTION_LOST
        else:
            if reader is not None and end.readable:
                why = reader.doRead()
            writer = self._writers.get(number)
            if not why and writer is not None and end.number == number and end.writable:
                why = writer.doWrite()
        if why:
            one: Any = reader or writer
            self._readers.pop(number, None)
            self._writers.pop(number, None)
            one.connectionLost(Failure(CONNECTION_LOST))
        self.changed(number)

    def watch_end(self, ended: Any) -> _HangUps:
        """As the lean reactor's: tell of a reset behind the peer's FIN."""
        self._ended[ended.fileno()] = ended
        return _HangUps(self._ended)

    def was_reset(self, number: int) -> None:
        """A connection was reset; nobody may be reading it."""
        ended = self._ended.pop(number, None)
        if ended is not None:
            self.after(0.0, ended.connectionLost, CONNECTION_LOST)
        self.changed(number)

    # -- what the kernel does --

    def socket(self, family: int, _kind: int) -> End:
        """A socket of the director's own.  Raises OSError."""
        if self.starving:
            raise OSError(errno.EMFILE, "no descriptor is left")
        return self.network.socket(family)

    def poll(self) -> _Poller:
        """As `select.poll`."""
        return _Poller()

    def connectTCP(  # noqa: N802 - Twisted's
        self,
        host: str,
        port: int,
        factory: Any,
        timeout: float = 30,
        bindAddress: object = None,  # noqa: N803 - Twisted's
    ) -> Dialled:
        """As Twisted's."""
        return dial(self, (host, port), factory, timeout)


class _HangUps:
    """What forgets a connection that is watched."""

    def __init__(self, ended: dict[int, Any]) -> None:
        self._ended = ended

    def forget(self, one: Any) -> None:
        """It is closed."""
        for number in [number for number, ended in self._ended.items() if ended is one]:
            del self._ended[number]


class _Poller:
    """Looks at one socket from outside."""

    def __init__(self) -> None:
        self._ends: list[End] = []

    def register(self, end: End, _events: int) -> None:
        """Look at that one."""
        self._ends.append(end)

    def poll(self, _timeout: float) -> list[tuple[int, int]]:
        """Those whose peer has ended or reset them."""
        return list(self._found())

    def _found(self) -> Iterator[tuple[int, int]]:
        for end in self._ends:
            if end.ended or end.broken:
                yield end.number, select.POLLRDHUP
