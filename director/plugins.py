"""Schedulers from outside the package: installed plug-ins, and classes in a user's file.

Composition: it joins `twisted.plugin` and the file system to the pure `director.scheduling.catalog`.
Called at start and at each reload by the service, and by `director check`.

Installed plug-ins are objects in `twisted/plugins/*.py`.  Twisted only logs a plug-in file that fails to
import, so its names are then missing from the catalog, and an unknown name is answered with the list of the
known ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from random import Random
from time import perf_counter
from types import ModuleType
from zlib import crc32

from attrs import frozen
from twisted.plugin import IPlugin, getPlugins
from zope.interface import implementer

from director.errors import SchedulerError
from director.interfaces import IScheduler, ISchedulerPlugin
from director.model.pools import CustomScheduler
from director.scheduling.catalog import Catalog, Declaration, Factory
from director.scheduling.custom import THEIRS, Guarded, Note, cause, made


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
) -> Catalog:
    """The installed schedulers and the user's own ones, whose files are read now.

    Args:
        customs: the `[scheduler:NAME]` sections; relative paths are resolved already.
        note: told once for each user's scheduler that has to be replaced by wlc.
        clock: monotonic seconds for the budgets.

    Raises SchedulerError; its message has one line for each section that cannot be used.
    """
    filled = Catalog(discover())
    problems = []
    for custom in customs:
        try:
            adopt(filled, custom, note, clock)
        except SchedulerError as error:
            problems.append(f"[scheduler:{custom.name}] {error}")
    if problems:
        raise SchedulerError("\n".join(problems))
    return filled


def try_out(custom: CustomScheduler) -> None:
    """Read one user's file to see whether it can be used.  Raises SchedulerError."""
    adopt(Catalog(), custom, _unheard, perf_counter)


def adopt(
    target: Catalog, custom: CustomScheduler, note: Callable[[Note], object], clock: Callable[[], float]
) -> None:
    """Read one user's file and register its class.  Raises SchedulerError."""
    cls = load(custom.path, custom.attribute)
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
        return Guarded(made(cls, where, random), custom.name, custom.budget, clock, note=note)

    return make


def load(path: str, attribute: str) -> object:
    """The named object of a Python file, which is run afresh each time (no byte code is kept or trusted).

    Raises SchedulerError that says what to do.
    """
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise SchedulerError(
            f"{path} cannot be read ({error.strerror}); check the path and its rights"
        ) from error
    module = ModuleType(f"director_scheduler_{Path(path).stem}_{crc32(path.encode()):08x}")
    module.__file__ = path
    # Where dataclasses, attrs and pickle look for the module of a class.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102  # this is the user's own program
    except THEIRS as error:
        raise SchedulerError(f"{path}{_line(error, path)}: {cause(error)}; mend it") from error
    try:
        return vars(module)[attribute]
    except KeyError:
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        near = get_close_matches(attribute, classes, n=1) or classes[:1]
        hint = f'did you mean "{near[0]}"?' if near else "it defines no class"
        raise SchedulerError(f"{path} has no {attribute}; {hint}") from None


def _line(error: BaseException, path: str) -> str:
    """`:LINE` of the last place in the user's file, or nothing."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return f":{error.lineno}"
    found, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            found = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return found
