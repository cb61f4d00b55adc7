from __future__ import annotations

import pytest

from director.config.text.messages import render
from director.errors import ConfigError
from tests.support.configurations import read_ini

TEXT = (
    "[l7:s]\nlisten = :80\n[rule:1 a]\nservice = s\nrespond = 404\n"
    "[test:it]\nrequest = GET /\nexpect = status 404\n"
)


def test_positions_of_sections_and_keys() -> None:
    loaded = read_ini(TEXT)
    places = [
        loaded.position_of(*names) for names in (("test:it", "expect"), ("test:it", "client"), ("none", ""))
    ]
    assert [(place.line, place.column) for place in places] == [(8, 10), (6, 1), (0, 0)]


def test_a_problem_found_later() -> None:
    problem = read_ini(TEXT).problem_at("test:it", "expect", "the status was 200", "correct the rule")
    assert render([problem]) == (
        "etc/main.ini:8:10: error: [test:it] expect = status 404: the status was 200\n"
        "    expect = status 404\n"
        "             ^\n"
        "    correct the rule\n"
    )


def test_require() -> None:
    assert read_ini(TEXT).require().rules
    broken = read_ini("[x]\n")
    with pytest.raises(ConfigError) as caught:
        broken.require()
    assert caught.value.problems == broken.problems


def test_the_state_dir_of_a_broken_file() -> None:
    assert read_ini("[director]\nstate_dir = /run/a\n[x]\n").state_dir == "/run/a"
    assert read_ini("[director]\nstate_dir = /run/a\n").state_dir == "/run/a"
    assert read_ini("[x]\n").state_dir == ""
    assert read_ini("[director]\nstate_dir =\n[x]\n").state_dir == ""
