"""What an empty section means must be what the model says: one default, two places that agree."""

from __future__ import annotations

from director.config.parse.builders import LARGEST_PAGE
from director.model.http import L7Service, Page, Rule
from director.model.pools import Address, Check, CustomScheduler, Pool
from director.model.settings import Admin, Settings
from tests.support.configurations import read_ini


def test_defaults_are_those_of_the_model() -> None:
    loaded = read_ini(
        "[director]\n[admin]\n[pool:p]\n[check:c]\ntcp = connect\n[l7:s]\nlisten = :80\n"
        "[rule:1]\nservice = s\npool = p\n[page:x]\nfile = x\n[scheduler:y]\npython = a.py:B\n",
        {"etc/x": "x"},
    )
    found = loaded.require()
    assert found.settings == Settings()
    assert found.admin == Admin()
    assert found.pools == (Pool("p"),)
    assert found.checks[0] == Check("c")
    assert found.l7[0] == L7Service("s", (Address(port=80),))
    assert found.rules[0] == Rule(1, "", "s", pool="p")
    assert found.pages[0] == Page("x", b"x")
    assert found.schedulers[0] == CustomScheduler("y", "etc/a.py", "B")


def test_the_default_check_expects_what_the_model_says() -> None:
    found = read_ini("[check:c]\nhttp = GET /\n").require()
    assert found.checks[0] == Check("c", "http")


def test_header_edits_keep_the_order_of_their_lines() -> None:
    rule = "[rule:1 a]\nservice = s\npool = p\ndel_header = A\nset_header = B: 1\n"
    found = read_ini("[pool:p]\nserver.a=h:1\n[l7:s]\nlisten = :80\n" + rule).require()
    assert [edit.verb for edit in found.rules[0].headers] == ["del", "set"]


def test_a_page_has_a_bound() -> None:
    loaded = read_ini("[page:x]\nfile = big\n", {"etc/big": b"x" * (LARGEST_PAGE + 1)})
    assert [p.message for p in loaded.problems] == ["etc/big is larger than 1 MB"]


def test_a_certificate_is_a_file_or_a_folder() -> None:
    assert [p.message for p in read_ini("[cert:x]\n").problems] == ["which certificate?"]
    (made,) = read_ini("[cert:x]\nfile = a\nkey = b\n").require().certificates
    assert (made.file, made.key, made.folder) == ("etc/a", "etc/b", "")


def test_a_rule_without_path_to_rewrite() -> None:
    loaded = read_ini("[l7:s]\nlisten = :80\n[rule:1 a]\nservice = s\nrespond = 404\nrewrite_path = /\n")
    assert [(p.line, p.key) for p in loaded.problems] == [(6, "rewrite_path")]
