"""Edits: what differs between two configurations leads from one to the other, also over a third."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from director.model.http import L7Service, Page, Rule
from director.model.pools import Address, Check, Pool, Server, State
from director.model.settings import Configuration, Settings
from director.model.virtual import L4Service, Virtual
from director.registry.edits import NAMED, SERVERS, STATES, WHOLE, Edit, Laid, Verb, between, ordered

ALIVE = Check("alive")
WEB = Pool("web", (Server("a", Address("10.0.0.1", 80)), Server("b", Address("10.0.0.2", 80))))
API = Pool("api", (Server("c", Address("10.0.0.3", 80)),))
WWW = L7Service("www", (Address("", 80),), pool="web")
DNS = L4Service("dns", Virtual("udp", "192.0.2.1", 53), "api")
RULE = Rule(100, "api", "www", pool="api")
ALL = Configuration(pools=(WEB, API), checks=(ALIVE,), l7=(WWW,), l4=(DNS,), rules=(RULE,))


def turned(old: Configuration, new: Configuration) -> Laid:
    """`old` with what leads from it to `new`."""
    return Laid(old, between(old, new, {}, {}))


def things(configuration: Configuration) -> dict[str, object]:
    """What it holds, whatever the order."""
    pools = {pool.name: evolve(pool, servers=()) for pool in configuration.pools}
    servers = {(pool.name, one.name): one for pool in configuration.pools for one in pool.servers}
    rest = {kind: {*getattr(configuration, kind)} for kind in NAMED if kind != "pools"}
    return {
        "pools": pools,
        "servers": servers,
        **rest,
        **{kind: getattr(configuration, kind) for kind in WHOLE},
    }


SERVER = st.builds(
    Server,
    st.sampled_from("abc"),
    st.builds(Address, st.sampled_from(["10.0.0.1", "10.0.0.2"]), st.just(80)),
    st.integers(0, 3),
)
POOL = st.builds(
    Pool,
    st.sampled_from(["web", "api"]),
    st.lists(SERVER, max_size=3, unique_by=lambda one: one.name).map(tuple),
    checks=st.sampled_from([(), ("alive",)]),
)


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    pools = tuple(draw(st.lists(POOL, max_size=2, unique_by=lambda one: one.name)))
    names: list[str] = [pool.name for pool in pools]
    l7: tuple[L7Service, ...] = ()
    rules: tuple[Rule, ...] = ()
    listens = draw(st.booleans())
    if names and listens:
        l7 = (
            L7Service(
                "www", (Address("", draw(st.sampled_from([80, 81]))),), pool=draw(st.sampled_from(names))
            ),
        )
        rules = tuple(
            Rule(number, "r", "www", pool=draw(st.sampled_from(names)))
            for number in draw(st.sets(st.integers(1, 3)))
        )
    checks = (ALIVE,) if any(pool.checks for pool in pools) or listens else ()
    pages = tuple(Page(name) for name in draw(st.sets(st.sampled_from("xy"))))
    name = draw(st.sampled_from(["one", "two"]))
    return Configuration(Settings(name), pools=pools, l7=l7, rules=rules, checks=checks, pages=pages)


@given(configurations(), configurations())
def test_what_differs_leads_from_one_to_the_other(old: Configuration, new: Configuration) -> None:
    laid = turned(old, new)
    assert laid.stale == {}
    assert things(laid.configuration) == things(new)


@given(configurations())
def test_equals_do_not_differ(one: Configuration) -> None:
    assert between(one, evolve(one), {}, {}) == ()
    assert Laid(one, ()).configuration is one


def test_only_what_was_changed_is_changed() -> None:
    """An operator's weight goes over a file whose other numbers changed meanwhile."""
    heavier = evolve(WEB, servers=(evolve(WEB.servers[0], weight=7), WEB.servers[1]))
    edits = between(ALL, evolve(ALL, pools=(heavier, API)), {}, {})
    assert edits == (Edit(SERVERS, ("web", "a"), Verb.SET, fields=(("weight", 7),)),)
    limited = evolve(WEB, servers=(evolve(WEB.servers[0], max=9), WEB.servers[1]))
    over = Laid(evolve(ALL, pools=(limited, API)), edits).configuration
    assert over.pools[0].servers[0] == evolve(WEB.servers[0], max=9, weight=7)


def test_states_are_edits_of_servers_that_are_there() -> None:
    edits = between(ALL, ALL, {("web", "a"): State.DRAIN}, {("web", "b"): State.MAINT})
    assert edits == (ordered(("web", "a"), State.READY), ordered(("web", "b"), State.MAINT))
    laid = Laid(evolve(ALL, pools=(evolve(WEB, servers=WEB.servers[:1]), API)), edits)
    assert laid.states == {("web", "a"): State.READY}
    assert [edit.name for edit in laid.stale] == [("web", "b")]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (Edit("pools", ("web",), Verb.ADD, WEB), "the name is taken"),
        (Edit("pools", ("api",), Verb.REMOVE), "in use by l4 dns, rule 100 api"),
        (Edit("pools", ("gone",), Verb.SET, fields=(("idle_connections", 3),)), "it is not there"),
        (Edit("pools", ("web",), Verb.SET, fields=(("checks", ("other",)),)), "there is no check other"),
        (Edit("pools", ("web",), Verb.SET, fields=(("colour", "red"),)), "it has no colour"),
        (Edit(SERVERS, ("web", "a"), Verb.ADD, WEB.servers[0]), "the name is taken"),
        (Edit(SERVERS, ("web", "z"), Verb.REMOVE), "No such server"),
        (Edit(SERVERS, ("gone", "a"), Verb.SET, fields=(("weight", 2),)), "No such pool"),
        (Edit(SERVERS, ("web", "a"), Verb.SET, fields=(("min", 2),)), "min=2 is larger than max=0"),
        (Edit("l7", ("www",), Verb.REMOVE), "has rules"),
        (Edit("l7", ("www",), Verb.SET, fields=(("pool", "gone"),)), "No such pool"),
        (Edit("rules", ("9 x",), Verb.ADD, Rule(9, "x", "gone")), "No such service"),
        (Edit("rules", ("9 x",), Verb.REMOVE), "it is not there"),
        (Edit("checks", ("alive",), Verb.REMOVE), "pool web uses it"),
        (Edit(STATES, ("web", "z"), Verb.SET, fields=(("state", State.DRAIN),)), "No such server"),
    ],
)
def test_what_does_not_apply_is_left_out_and_named(edit: Edit, why: str) -> None:
    read = evolve(ALL, pools=(evolve(WEB, checks=("alive",)), API))
    other = Edit(SERVERS, ("web", "b"), Verb.SET, fields=(("weight", 0),))
    laid = Laid(read, (edit, other))
    assert list(laid.stale) == [edit]
    assert why in laid.stale[edit]
    assert laid.configuration.pools[0].servers[1].weight == 0


def test_they_read_as_sentences() -> None:
    assert [
        str(Edit("pools", ("web",), Verb.ADD, WEB)),
        str(Edit(SERVERS, ("web", "a"), Verb.SET, fields=(("weight", 3), ("max", 9)))),
        str(ordered(("web", "a"), State.DRAIN)),
        str(Edit("rules", ("100 api",), Verb.REMOVE)),
    ] == [
        "pool web added",
        "server web/a: weight = 3, max = 9",
        "server web/a: state = drain",
        "rule 100 api removed",
    ]
