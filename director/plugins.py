"""Schedulers from outside the package: installed plug-ins, and classes in a user's file.

Composition: it joins `twisted.plugin` and the file system to the pure `director.scheduling.catalog`.
Called at start and at each reload by whoever reads the configuration, and by `director check`.

Installed plug-ins are objects in `twisted/plugins/*.py`.  Twisted only logs a plug-in file that fails to
import, so its names are then missing from the catalog, and an unknown name is answered with the list of the
known ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from random import Random
from time import perf_counter
from types import ModuleType
from zlib import crc32

from attrs import frozen
from twisted.logger import Logger
from twisted.plugin import IPlugin, getPlugins
from zope.interface import implementer

from director.errors import SchedulerError
from director.interfaces import IScheduler, ISchedulerPlugin
from director.model.pools import CustomScheduler
from director.scheduling.catalog import Catalog, Declaration, Factory
from director.scheduling.custom import THEIRS, Guarded, Note, cause, line, made
from director.scheduling.prints import Printer

_log = Logger(namespace="director")


@implementer(IPlugin)
@frozen
class SchedulerPlugin(Declaration):
    """What stands in a file of `twisted/plugins/` to declare a scheduler; see `ISchedulerPlugin`."""


def discover() -> tuple[ISchedulerPlugin, ...]:
    """All installed declarations in the order of their names; one found over two paths counts once."""
    found = dict.fromkeys(getPlugins(ISchedulerPlugin))
    return tuple(sorted(found, key=lambda plugin: plugin.name))


def _unheard(_note: Note) -> None:
    """For callers that make no choices, such as `director check`."""


def catalog(
    customs: Iterable[CustomScheduler] = (),
    note: Callable[[Note], object] = _unheard,
    clock: Callable[[], float] = perf_counter,
    files: UserFiles | None = None,
) -> Catalog:
    """The installed schedulers and the user's own ones.

    Args:
        customs: the `[scheduler:NAME]` sections; relative paths are resolved already.
        note: told once for each user's scheduler that has to be replaced by wlc.
        clock: monotonic seconds for the budgets.
        files: where the users' files are, read now unless they are there already.

    Raises SchedulerError; its message has one line for each section that cannot be used.
    """
    files = files or UserFiles()
    filled = Catalog(discover())
    problems = []
    for custom in customs:
        try:
            adopt(filled, custom, files, note, clock)
        except SchedulerError as error:
            problems.append(f"[scheduler:{custom.name}] {error}")
    if problems:
        raise SchedulerError("\n".join(problems))
    return filled


def try_out(custom: CustomScheduler, files: UserFiles) -> None:
    """See whether one user's file can be used.  Raises SchedulerError."""
    adopt(Catalog(), custom, files, _unheard, perf_counter)


def adopt(
    target: Catalog,
    custom: CustomScheduler,
    files: UserFiles,
    note: Callable[[Note], object],
    clock: Callable[[], float],
) -> None:
    """Register the class of one user's file.  Raises SchedulerError."""
    cls = files.load(custom.path, custom.attribute)
    where = f"{custom.path}:{custom.attribute}"
    made(cls, where, Random())
    text = (getattr(cls, "__doc__", None) or "A scheduler of your own.").strip().splitlines()[0]
    target.register(Declaration(custom.name, text, where), _factory(cls, where, custom, note, clock))


def _factory(
    cls: object,
    where: str,
    custom: CustomScheduler,
    note: Callable[[Note], object],
    clock: Callable[[], float],
) -> Factory:
    def make(_argument: str, _flags: frozenset[str], random: Random) -> IScheduler:
        inner = made(cls, where, random)
        return Guarded(inner, custom.name, custom.budget, clock, note=note, path=custom.path)

    return make


class UserFiles:
    """Users' files, each executed once: what a class remembers lasts as long as its file says the same.

    One of these belongs to one reading of the configuration.  A file that `before` has with the very same
    content is taken from there; any other is executed afresh (no byte code is kept or trusted).
    """

    def __init__(self, before: UserFiles | None = None, sources: Mapping[str, bytes] | None = None) -> None:
        """`sources` are the files themselves, for a process that was given them."""
        self._before: dict[str, _Executed] = before.executed() if before is not None else {}
        self._sources = sources
        self._executed: dict[str, _Executed] = {}

    def executed(self) -> dict[str, _Executed]:
        """The files by their paths."""
        return self._executed

    def load(self, path: str, attribute: str) -> object:
        """The named object of a file.  Raises SchedulerError that says what to do."""
        found = self._executed.get(path)
        if found is None:
            found = self._executed[path] = self._read(path)
        return _named(found.module, path, attribute)

    def _read(self, path: str) -> _Executed:
        try:
            source = Path(path).read_bytes() if self._sources is None else self._sources[path]
        except OSError as error:
            raise SchedulerError(
                f"{path} cannot be read ({error.strerror}); check the path and its rights"
            ) from error
        before = self._before.get(path)
        return before if before is not None and before.source == source else _execute(path, source)

    def sources(self) -> dict[str, bytes]:
        """The files themselves, by their paths."""
        return {path: one.source for path, one in self._executed.items()}

    def differs(self, path: str) -> bool:
        """The file was executed afresh for this reading."""
        return self._executed.get(path) is not self._before.get(path)

    def against(self, before: UserFiles) -> UserFiles:
        """The same, to be used after `before`: what both have is not another file."""
        self._before = before.executed()
        return self

    def settled(self) -> UserFiles:
        """The same without what was before, to be the next one's `before`."""
        self._before = {}
        return self


@frozen
class _Executed:
    """A user's file as it was when it was executed."""

    source: bytes
    module: ModuleType


def _execute(path: str, source: bytes) -> _Executed:
    module = ModuleType(f"director_scheduler_{Path(path).stem}_{crc32(path.encode()):08x}")
    module.__file__ = path
    # A daemon has no standard output.
    module.__dict__["print"] = Printer(_printed(path), perf_counter)
    # Where dataclasses, attrs and pickle look for the module of a class.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102  # this is the user's own program
    except THEIRS as error:
        number = line(error, path)
        where = f"{path}:{number}" if number else path
        raise SchedulerError(f"{where}: {cause(error)}; mend it") from error
    return _Executed(source, module)


def _printed(path: str) -> Callable[[str], None]:
    """Where the lines go that a user's file prints: among the events."""
    return lambda text: _log.info("{file}: {text}", file=path, text=text)


def _named(module: ModuleType, path: str, attribute: str) -> object:
    try:
        return vars(module)[attribute]
    except KeyError:
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        near = get_close_matches(attribute, classes, n=1) or classes[:1]
        hint = f'did you mean "{near[0]}"?' if near else "it defines no class"
        raise SchedulerError(f"{path} has no {attribute}; {hint}") from None
