from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given

from director.errors import ChangeRefused
from director.model.pools import Check, Pool
from director.model.settings import Configuration
from director.registry.draft import Draft
from tests.support.registries import server
from tests.unit.configurations import configurations


@given(configurations())
def test_open_and_closed_again_is_the_same(configuration: Configuration) -> None:
    draft = Draft(configuration)
    for pool in configuration.pools:
        draft.servers(pool.name)
    assert draft.closed() == configuration


def test_a_draft_can_be_closed_more_than_once() -> None:
    draft = Draft(Configuration(pools=(Pool("web"),)))
    draft.servers("web")["a"] = server()
    assert draft.closed().pools[0].servers == (server(),)
    del draft.servers("web")["a"]
    assert draft.closed().pools[0].servers == ()


def test_a_draft_leaves_the_configuration_alone() -> None:
    configuration = Configuration(pools=(Pool("web", (server(),)),))
    draft = Draft(configuration)
    del draft.servers("web")["a"]
    draft.drop_pool("web")
    assert configuration.pools[0].servers == (server(),)


def test_a_check_must_be_there() -> None:
    configuration = Configuration(pools=(Pool("web", checks=("alive",)),))
    with pytest.raises(ChangeRefused, match=r"add \[check:alive\]"):
        Draft(configuration).verify()
    Draft(evolve(configuration, checks=(Check("alive"),))).verify()
