"""What clients get is what the fault path does (`lvs-semantics` A.7, design 5)."""

from __future__ import annotations

import pytest

from director.model.http import FaultStep, L7Service, Page, Rule
from director.model.pools import Address, Pool, State
from director.model.settings import Configuration
from director.model.virtual import L4Service, Virtual
from director.registry.changes import Ordered
from director.registry.outage import instead
from director.registry.registry import Registry
from director.registry.snapshot import Snapshots
from tests.support.registries import registry_of, server

ACTIVE = FaultStep("active")
SPARE = FaultStep("pool", "spare")
LOCAL = FaultStep("local", address=Address("127.0.0.1", 8099))
SORRY = FaultStep("page", "sorry")


def registry(*fault: FaultStep) -> Registry:
    """`web` is down; `images` of another rule and `spare` of the fault path are up."""
    made = registry_of(
        configuration=Configuration(
            pools=(
                Pool("web", (server("a", 1),)),
                Pool("images", (server("i", 2),)),
                Pool("spare", (server("s", 3),)),
            ),
            l7=(L7Service("www", (), pool="web", fault=fault),),
            rules=(Rule(100, "images", "www", pool="images"),),
            pages=(Page("sorry", status=503),),
            l4=(L4Service("dns", Virtual("udp", "192.0.2.53", 53), "spare"),),
        )
    )
    down(made, "web", "a")
    return made


def down(made: Registry, pool: str, name: str) -> None:
    made.apply([Ordered(pool, name, State.MAINT)], "test", 0.0, 0.0)


def told(made: Registry, pool: str = "web") -> str:
    seen = Snapshots(made).take()
    return instead(seen, seen.pools[pool])


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ((), "the built-in 503 page"),
        ((ACTIVE, SORRY), "the answer of server images/i"),
        ((SPARE, SORRY), "an answer of pool spare"),
        ((LOCAL, SORRY), "the answer of 127.0.0.1:8099"),
        ((SORRY,), "page sorry with status 503"),
    ],
)
def test_clients_get_the_first_step_that_answers(fault: tuple[FaultStep, ...], answer: str) -> None:
    assert told(registry(*fault)) == f"Clients of l7:www get: {answer}."


def test_a_fault_path_for_other_causes_is_not_taken() -> None:
    made = registry_of(
        configuration=Configuration(
            pools=(Pool("web"),),
            l7=(L7Service("www", (), pool="web", fault=(LOCAL,), fault_on=("timeout",)),),
        )
    )
    assert told(made) == "Clients of l7:www get: the built-in 503 page."


def test_a_step_without_a_live_server_is_passed_over() -> None:
    made = registry(ACTIVE, SPARE, SORRY)
    down(made, "images", "i")
    assert told(made).startswith("Clients of l7:www get: an answer of pool spare.")
    down(made, "spare", "s")
    assert told(made).startswith("Clients of l7:www get: page sorry with status 503.")


def test_a_server_that_refused_its_last_connect_is_not_live() -> None:
    made = registry(ACTIVE)
    made.pools["images"].servers[0].reachable = False
    assert told(made) == "Clients of l7:www get: the built-in 503 page."


def test_a_pool_of_the_fault_path_and_of_layer_4() -> None:
    made = registry(SPARE)
    down(made, "spare", "s")
    assert told(made, "spare") == (
        "The fault path of l7:www passes it over. New connections to l4:dns are refused."
    )


def test_those_who_wait_are_counted() -> None:
    made = registry(SORRY)
    made.pools["web"].waiting = 3
    assert told(made) == "3 requests wait for room; others take the fault path."
