from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from director.admin.testing import record
from director.model.conditions import Term
from director.model.http import L7Service, Rule
from director.model.pools import Address, Pool, Server
from director.model.settings import Configuration
from director.plugins import UserFiles
from director.program.replay import MOVED_SHOWN, Replay, replay_of


def pool(name: str) -> Pool:
    return Pool(name, (Server("a", Address("127.0.0.1", 9001)),))


IMAGES = Rule(100, "images", "www", Term("path", "", "^=", ("/images/",)), pool="images")
INNER = Rule(50, "inner", "www", Term("header", "X-Inner", "exists", ()), pool="images")
OLD = Rule(
    200, "old", "www", Term("path", "", "=", ("/old",)), redirect=(301, "https://a.example/key-s3cret")
)
NOW = Configuration(
    pools=(pool("web"), pool("images")),
    l7=(L7Service("www", (Address("127.0.0.1", 8080),), pool="web"),),
    rules=(IMAGES,),
)


def asked(target: str, rule: str = "", **more: Any) -> Any:
    return record(id=target, target=target, rule=rule, **more)


def replayed(wanted: Configuration, *requests: Any, now: Configuration = NOW) -> Replay:
    return replay_of((now, UserFiles()), (wanted, UserFiles()), list(requests))


def test_who_goes_to_another_pool_is_told_with_both_ways() -> None:
    wanted = evolve(NOW, rules=(evolve(IMAGES, when=Term("path", "", "^=", ("/img/",))),))
    found = replayed(wanted, asked("/images/a.png", "100 images"), asked("/"), asked("/img/b", ""))
    assert (found.replayed, found.moved_count, found.unsure) == (3, 2, 0)
    first, second = found.moved
    assert first["before"] == {"rule": "100 images", "pool": "images", "status": 0, "location": ""}
    assert first["after"] == {"rule": "", "pool": "web", "status": 0, "location": ""}
    assert (first["id"], first["target"]) == ("/images/a.png", "/images/a.png")
    assert second["after"]["pool"] == "images"


def test_another_name_of_a_rule_moves_nobody() -> None:
    wanted = evolve(NOW, rules=(evolve(IMAGES, number=110, title="pictures"),))
    assert replayed(wanted, asked("/images/a.png", "100 images")).moved == []


def test_an_answer_of_a_rule_is_a_way_and_tells_no_secret() -> None:
    wanted = evolve(NOW, rules=(IMAGES, evolve(OLD, secrets=("key-s3cret",))))
    (one,) = replayed(wanted, asked("/old"), asked("/new")).moved
    assert one["after"] == {
        "rule": "200 old", "pool": "", "status": 301, "location": "https://a.example/***",
    }  # fmt: skip


def test_what_hung_on_fields_that_are_gone_is_unsure() -> None:
    now = evolve(NOW, rules=(INNER, IMAGES))
    found = replayed(NOW, asked("/", "50 inner"), asked("/images/a", "100 images"), now=now)
    assert (found.replayed, found.moved_count, found.unsure) == (2, 0, 1)


def test_a_service_that_goes_leaves_its_requests_nowhere() -> None:
    wanted = evolve(NOW, l7=(L7Service("other", (Address("127.0.0.1", 8081),), pool="web"),), rules=())
    (one,) = replayed(wanted, asked("/")).moved
    assert one["after"]["pool"] == ""
    assert "no HTTP service www" in one["after"]["error"]


@pytest.mark.parametrize("target", ["127.0.0.1:80", "*"])
def test_what_was_no_request_for_a_path_is_passed_over(target: str) -> None:
    assert replayed(evolve(NOW, rules=()), asked(target)) == Replay()


def test_of_many_the_first_are_told_and_all_are_counted() -> None:
    many = [asked(f"/images/{number}", "100 images") for number in range(MOVED_SHOWN + 5)]
    found = replayed(evolve(NOW, rules=()), *many)
    assert (found.moved_count, len(found.moved)) == (MOVED_SHOWN + 5, MOVED_SHOWN)
