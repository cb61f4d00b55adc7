"""The registry of schedulers: from a name in the configuration to a scheduler that can be started.

Pure: the composition (`director.plugins`) discovers the plug-ins and fills a catalog; the config room checks
what is written against it; the registry has its schedulers made here.  A plug-in's class is imported when
it is first used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from importlib import import_module
from random import Random

from attrs import evolve, frozen
from zope.interface import implementer

from director.errors import SchedulerError
from director.interfaces import IScheduler, ISchedulerPlugin
from director.model.pools import SchedulerSpec as Spec
from director.scheduling.fallback import Otherwise

Factory = Callable[[str, frozenset[str], Random], IScheduler]
"""Makes a scheduler from its argument, its flags and a source of chance; a `Scheduler` subclass is one."""

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
RESERVED = frozenset({"else", "none"})
ANY_FLAGS = ("flag-1", "flag-2", "flag-3")
"""What `ipvsadm -b` takes with every scheduler: its first, second, third flag; no effect if it has none."""


@implementer(ISchedulerPlugin)
@frozen
class Declaration:
    """An `ISchedulerPlugin` as a value; see there for the fields."""

    name: str
    description: str
    location: str
    flags: tuple[str, ...] = ()
    takes_argument: bool = False


class Catalog:
    """Schedulers by name."""

    def __init__(self, plugins: Iterable[ISchedulerPlugin] = ()) -> None:
        self._plugins: dict[str, ISchedulerPlugin] = {}
        self._factories: dict[str, Factory] = {}
        for plugin in plugins:
            self.register(plugin)

    @property
    def names(self) -> tuple[str, ...]:
        """All known names in alphabetical order."""
        return tuple(sorted(self._plugins))

    @property
    def plugins(self) -> tuple[ISchedulerPlugin, ...]:
        """All declarations in the order of their names."""
        return tuple(self._plugins[name] for name in self.names)

    def register(self, plugin: ISchedulerPlugin, factory: Factory | None = None) -> None:
        """Make a scheduler known from now on; without `factory`, `plugin.location` is imported at first use.

        Raises SchedulerError when the name is taken or cannot be written in a configuration.
        """
        name = plugin.name
        if not NAME.fullmatch(name) or name in RESERVED:
            raise SchedulerError(
                f"a scheduler cannot be called {name!r}: use lower-case letters, digits and -"
            )
        if name in self._plugins:
            taken = self._plugins[name].location
            raise SchedulerError(
                f"two schedulers are called {name}: {taken} and {plugin.location}; rename one"
            )
        self._plugins[name] = plugin
        if factory is not None:
            self._factories[name] = factory

    def unregister(self, name: str) -> None:
        """Forget a scheduler; those already made go on.  Raises SchedulerError when it is not known."""
        self._plugin(name)
        del self._plugins[name]
        self._factories.pop(name, None)

    def check(self, spec: Spec) -> None:
        """Raise SchedulerError when name, argument or flags of `spec`, or of its `else`, are wrong.

        Imports nothing, so an argument that only its scheduler understands is not looked at: `make` does
        that.
        """
        plugin = self._plugin(spec.name)
        if spec.argument and not plugin.takes_argument:
            raise SchedulerError(
                f"{spec.name} takes no argument: write {spec.name} without ({spec.argument})"
            )
        _flags(plugin, spec.flags)
        if spec.otherwise is not None:
            self.check(spec.otherwise)

    def make(self, spec: Spec, random: Random) -> IScheduler:
        """A new scheduler, not started, as `spec` says.

        Raises SchedulerError for anything that is wrong with the spec or with the plug-in.
        """
        self.check(spec)
        first = self._make_one(spec, random)
        if spec.otherwise is None:
            return first
        return Otherwise(first, self.make(spec.otherwise, random))

    def _make_one(self, spec: Spec, random: Random) -> IScheduler:
        plugin = self._plugin(spec.name)
        factory = self._factories.get(spec.name)
        if factory is None:
            factory = self._factories[spec.name] = _imported(plugin)
        try:
            made = factory(spec.argument, _flags(plugin, spec.flags), random)
        except SchedulerError:
            raise
        except Exception as error:  # a stranger's code may raise anything
            cause = f"{type(error).__name__}: {error}"
            advice = "a scheduler is made with (argument, flags, random); subclass director's Scheduler"
            message = f"{spec.name}: {plugin.location} cannot be made ({cause}): {advice}"
            raise SchedulerError(message) from error
        if not IScheduler.providedBy(made):
            advice = "declare @implementer(IScheduler) or subclass director.scheduling.base.Scheduler"
            raise SchedulerError(f"{spec.name}: {plugin.location} does not provide IScheduler: {advice}")
        if not getattr(made, "name", ""):
            made.name = str(evolve(spec, otherwise=None))  # type: ignore[attr-defined]
        return made

    def _plugin(self, name: str) -> ISchedulerPlugin:
        try:
            return self._plugins[name]
        except KeyError:
            near = get_close_matches(name, self._plugins, n=1)
            meant = f' did you mean "{near[0]}"? ' if near else " "
            raise SchedulerError(f"no such scheduler: {name};{meant}known: {', '.join(self.names)}") from None


def _flags(plugin: ISchedulerPlugin, words: Iterable[str]) -> frozenset[str]:
    """The flags as the plug-in names them: `sh-port` is `port`, `flag-1` is its first."""
    return frozenset(flag for word in words if (flag := _flag(plugin, word)))


def _flag(plugin: ISchedulerPlugin, word: str) -> str:
    if word in ANY_FLAGS:
        place = ANY_FLAGS.index(word)
        return plugin.flags[place] if place < len(plugin.flags) else ""
    flag = word.removeprefix(f"{plugin.name}-")
    if flag in plugin.flags:
        return flag
    allowed = f"it knows: {', '.join(plugin.flags)}" if plugin.flags else "it has none; take the word away"
    raise SchedulerError(f"{plugin.name} has no flag {word!r}: {allowed}")


def _imported(plugin: ISchedulerPlugin) -> Factory:
    module, _, attribute = plugin.location.partition(":")
    try:
        found: Factory = getattr(import_module(module), attribute)
    except Exception as error:  # importing runs a stranger's code, which may raise anything
        cause = f"{type(error).__name__}: {error}"
        message = (
            f"{plugin.name}: {plugin.location} cannot be imported ({cause}); mend or remove that plug-in"
        )
        raise SchedulerError(message) from error
    return found
