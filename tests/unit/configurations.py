"""Arbitrary valid configurations for property tests: few names, so that two of them have much in common."""

from __future__ import annotations

from hypothesis import strategies as st

from director.model.http import FaultStep, L7Service, Rule
from director.model.pools import Address, Check, CustomScheduler, Pool, Queue, SchedulerSpec, Server
from director.model.settings import Configuration
from director.model.virtual import L4Service, Virtual

SCHEDULERS = (SchedulerSpec("wlc"), SchedulerSpec("rr"), SchedulerSpec("own", otherwise=SchedulerSpec("wlc")))
CHECKS = (Check("alive"), Check("deep", kind="http"))


@st.composite
def servers(draw: st.DrawFn, name: str) -> Server:
    """Few addresses, so that servers of several pools share some."""
    upper = draw(st.integers(0, 3))
    return Server(
        name,
        Address(f"10.0.0.{draw(st.integers(1, 4))}", 80),
        weight=draw(st.integers(0, 2)),
        max=upper,
        min=draw(st.integers(0, upper)),
        backup=draw(st.booleans()),
    )


@st.composite
def pools(draw: st.DrawFn, name: str) -> Pool:
    names = draw(st.lists(st.sampled_from("abcd"), unique=True))
    return Pool(
        name,
        tuple(draw(servers(one)) for one in names),
        scheduler=draw(st.sampled_from(SCHEDULERS)),
        checks=draw(st.sampled_from([(), ("alive",), ("alive", "deep"), ("deep",)])),
        queue=Queue(draw(st.integers(0, 1))),
    )


@st.composite
def services(draw: st.DrawFn, name: str, known: list[str]) -> L7Service:
    fault = draw(st.lists(st.sampled_from(known), max_size=1)) if known else []
    return L7Service(
        name,
        (Address(port=80),),
        pool=draw(st.sampled_from(["", *known])),
        fault=(FaultStep("active"), *(FaultStep("pool", one) for one in fault)),
    )


@st.composite
def l4_services(draw: st.DrawFn, name: str, known: list[str]) -> L4Service:
    scheduler = draw(st.sampled_from([None, *SCHEDULERS]))
    return L4Service(name, Virtual(port=80), pool=draw(st.sampled_from(known)), scheduler=scheduler)


@st.composite
def rules(draw: st.DrawFn, number: int, l7: list[str], known: list[str]) -> Rule:
    return Rule(number, "", draw(st.sampled_from(l7)), pool=draw(st.sampled_from(known)))


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Pools, services of both layers, rules, checks and a user's own scheduler that may change."""
    known = draw(st.lists(st.sampled_from(["web", "api", "old"]), unique=True))
    l7 = draw(st.lists(st.sampled_from(["www", "shop"]), unique=True))
    l4 = draw(st.lists(st.sampled_from(["dns", "www"]), unique=True)) if known else []
    numbers = draw(st.lists(st.integers(1, 4), unique=True)) if known and l7 else []
    return Configuration(
        pools=tuple(draw(pools(name)) for name in known),
        checks=CHECKS,
        l7=tuple(draw(services(name, known)) for name in l7),
        l4=tuple(draw(l4_services(name, known)) for name in l4),
        rules=tuple(draw(rules(number, l7, known)) for number in numbers),
        schedulers=(CustomScheduler("own", draw(st.sampled_from(["a.py", "b.py"])), "Own"),),
    )
