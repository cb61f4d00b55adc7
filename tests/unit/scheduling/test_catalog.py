from __future__ import annotations

import sys
from collections.abc import Iterator
from random import Random
from types import ModuleType

import pytest
from zope.interface.verify import verifyObject

from director.errors import SchedulerError
from director.interfaces import ISchedulerPlugin
from director.model.pools import SchedulerSpec as Spec
from director.scheduling.catalog import Catalog, Declaration
from director.scheduling.fallback import Otherwise
from director.scheduling.sh import SourceHash
from director.scheduling.test import FirstFit
from director.scheduling.wlc import WeightedLeastConnections

WLC = Declaration("wlc", "Least connections.", "director.scheduling.wlc:WeightedLeastConnections")
SH = Declaration("sh", "Source hashing.", "director.scheduling.sh:SourceHash", ("fallback", "port"))
HASH = Declaration(
    "hash", "Hash.", "director.scheduling.hash:RendezvousHash", ("bounded",), takes_argument=True
)


def known() -> Catalog:
    return Catalog((WLC, SH, HASH))


def make(spec: Spec) -> object:
    return known().make(spec, Random(1))


def test_a_declaration_is_a_plugin() -> None:
    assert verifyObject(ISchedulerPlugin, WLC)


def test_by_name() -> None:
    made = make(Spec("wlc"))
    assert isinstance(made, WeightedLeastConnections)
    assert made.name == "wlc"
    assert known().names == ("hash", "sh", "wlc")
    assert known().plugins == (HASH, SH, WLC)


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (("port",), {"port"}),
        (("sh-port", "sh-fallback"), {"port", "fallback"}),
        (("fallback",), {"fallback"}),
        # B.1: SCHED1 is fallback, SCHED2 is port, SCHED3 means nothing to sh.
        (("flag-1",), {"fallback"}),
        (("flag-2", "flag-3"), {"port"}),
    ],
)
def test_flags(words: tuple[str, ...], flags: set[str]) -> None:
    made = make(Spec("sh", flags=words))
    assert isinstance(made, SourceHash)
    assert made.flags == flags
    assert made.name == " ".join(("sh", *words))


def test_flag_n_is_taken_by_every_scheduler() -> None:
    made = make(Spec("wlc", flags=("flag-1",)))
    assert isinstance(made, WeightedLeastConnections)
    assert made.flags == frozenset()


def test_otherwise() -> None:
    spec = Spec("hash", "cookie sid", ("bounded",), otherwise=Spec("sh", otherwise=Spec("wlc")))
    made = make(spec)
    assert isinstance(made, Otherwise)
    assert made.name == "hash(cookie sid) bounded"
    assert isinstance(made.second, Otherwise)
    assert isinstance(made.second.second, WeightedLeastConnections)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec("leastcon"), "no such scheduler: leastcon; known: hash, sh, wlc"),
        (Spec("wlcc"), r'no such scheduler: wlcc; did you mean "wlc"\? known: hash, sh, wlc'),
        (Spec("WLC"), "no such scheduler: WLC;"),
        (Spec("wlc", "x"), r"wlc takes no argument: write wlc without \(x\)"),
        (Spec("wlc", flags=("port",)), "wlc has no flag 'port': it has none; take the word away"),
        (Spec("sh", flags=("mh-port",)), "sh has no flag 'mh-port': it knows: fallback, port"),
        (Spec("hash", "cokie sid"), r"hash\(cokie sid\): nothing of a request is called so"),
        (Spec("wlc", otherwise=Spec("xyz")), "no such scheduler: xyz"),
    ],
)
def test_mistakes_say_what_to_do(spec: Spec, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        make(spec)


def test_check_finds_mistakes_without_an_import() -> None:
    missing = Declaration("far", "Not there.", "no.such.module:Class")
    catalog = Catalog((WLC, missing))
    catalog.check(Spec("far", otherwise=Spec("wlc")))
    with pytest.raises(SchedulerError, match="no such scheduler"):
        catalog.check(Spec("far", otherwise=Spec("nearer")))
    with pytest.raises(
        SchedulerError, match=r"far: no.such.module:Class cannot be imported \(ModuleNotFound"
    ):
        catalog.make(Spec("far"), Random(1))


def test_a_scheduler_registered_at_run_time_is_usable_until_it_is_unregistered() -> None:
    """K50."""
    catalog = known()
    catalog.register(Declaration("mine", "First fit.", "director.scheduling.test:FirstFit"))
    assert isinstance(catalog.make(Spec("mine"), Random(1)), FirstFit)
    catalog.unregister("mine")
    with pytest.raises(SchedulerError, match="no such scheduler: mine"):
        catalog.make(Spec("mine"), Random(1))
    with pytest.raises(SchedulerError, match="no such scheduler: mine"):
        catalog.unregister("mine")
    catalog.register(Declaration("mine", "Another.", "director.scheduling.wlc:WeightedLeastConnections"))
    assert isinstance(catalog.make(Spec("mine"), Random(1)), WeightedLeastConnections)


def test_a_factory_comes_before_the_location() -> None:
    catalog = Catalog()
    catalog.register(Declaration("mine", "First fit.", "nowhere:X"), FirstFit)
    assert isinstance(catalog.make(Spec("mine"), Random(1)), FirstFit)


def test_a_name_belongs_to_one() -> None:
    with pytest.raises(
        SchedulerError, match=r"two schedulers are called wlc: .*wlc:W.* and other:X; rename one"
    ):
        known().register(Declaration("wlc", "Another.", "other:X"))


@pytest.mark.parametrize("name", ["", "else", "none", "two words", "Upper", "a(b)", "-x"])
def test_a_name_must_be_writable_in_a_configuration(name: str) -> None:
    with pytest.raises(SchedulerError, match="cannot be called"):
        Catalog().register(Declaration(name, "", "a:B"))


@pytest.fixture
def stranger() -> Iterator[ModuleType]:
    module = ModuleType("stranger")
    sys.modules["stranger"] = module
    yield module
    del sys.modules["stranger"]


def test_a_class_that_is_no_scheduler_is_refused(stranger: ModuleType) -> None:
    class Plain:
        def __init__(self, *making: object) -> None:
            """Take what comes."""

    class Narrow:
        """Takes nothing."""

    stranger.Plain, stranger.Narrow = Plain, Narrow  # type: ignore[attr-defined]
    catalog = Catalog(
        (Declaration("plain", "", "stranger:Plain"), Declaration("narrow", "", "stranger:Narrow"))
    )
    with pytest.raises(SchedulerError, match="does not provide IScheduler: declare @implementer"):
        catalog.make(Spec("plain"), Random(1))
    with pytest.raises(SchedulerError, match=r"made with \(argument, flags, random\); subclass"):
        catalog.make(Spec("narrow"), Random(1))
