from __future__ import annotations

import pytest

from director.config.parse.schedulers import SchedulerFacts, check_known, scheduler
from director.config.schema.tables import KINDS, key_of
from director.config.text import foreign
from director.config.text.messages import BadValue, Problem
from director.plugins import discover
from tests.support.configurations import read_ini

POOL = "[l7:w]\nlisten = :80\npool = p\n[pool:p]\nserver.a = 10.0.0.1:80\n{}\n"


def first(text: str) -> Problem:
    return read_ini(POOL.format(text)).problems[0]


@pytest.mark.parametrize(
    ("line", "column", "message", "hint"),
    [
        ("scheduler = rr  # each in turn", 17, "a comment stands on a line of its own", None),
        ("scheduler = rr ; each in turn", 16, "a comment stands on a line of its own", None),
        ("queue = 100 for 5s # as long as that", 20, "a comment stands on a line of its own", None),
        ("server.b = 10.0.0.2:80 max=3  # small", 31, "a comment stands on a line of its own", None),
        ("timeout.connect = 2s #fast", 22, "a comment stands on a line of its own", None),
        ("scheduler = rr;", 15, "a value does not end with ;", "remove it"),
        ("scheduler = roundrobin", 13, "unknown scheduler roundrobin", "write wrr"),
        ("scheduler = leastconn", 13, "unknown scheduler leastconn", "write wlc"),
        ("scheduler = source", 13, "unknown scheduler source", "write sh"),
        ("scheduler = balance roundrobin", 13, "unknown scheduler balance", "write wrr"),
        (
            "balance roundrobin;",
            1,
            "neither a section nor key = value",
            "write scheduler = wrr in [pool:NAME]",
        ),
        ("balance = roundrobin", 1, "unknown key", "write scheduler = NAME in [pool:NAME]"),
        ("least_conn;", 1, "neither a section nor key = value", "write scheduler = wlc in [pool:NAME]"),
        ("ip_hash;", 1, "neither a section nor key = value", "write scheduler = sh in [pool:NAME]"),
        ("timeout.server = 30s", 1, "unknown key", "write timeout.response"),
        ("timeout server 30s", 1, "neither a section nor key = value", "write timeout.response"),
        ("retry = conect", 9, "unknown cause 'conect'", "did you mean connect?"),
        ("retry = connect, emty", 18, "unknown cause 'emty'", "did you mean empty?"),
        ("scheduler = sh fallbak", 16, "sh has no flag fallbak", "did you mean fallback?"),
        ("persist = cookie S insert htponly", 27, "unknown: 'htponly'", "did you mean httponly?"),
    ],
)
def test_words_of_others_are_translated(line: str, column: int, message: str, hint: str | None) -> None:
    problem = first(line)
    assert (problem.line, problem.column, problem.message) == (6, column, message)
    assert hint is None or problem.hint.startswith(hint)


def test_a_condition_with_a_comment_or_a_swapped_operator() -> None:
    rule = "[l7:w]\nlisten = :80\n[rule:1 a]\nservice = w\nrespond = 404\nwhen = {}\n"
    for when, column, hint in (
        ("path = /a # old", 18, "put it on a line of its own above"),
        ("path =^ /x", 13, "write ^="),
        ("path =^/x", 13, "write ^="),
        ("host =$ .org", 13, "write $="),
        ("uri =* x", 12, "write *="),
    ):
        (problem,) = read_ini(rule.format(when)).problems
        assert (problem.column, problem.hint[: len(hint)]) == (column, hint), when


def test_what_they_are_called_here_is_there() -> None:
    known = {one.name: SchedulerFacts(one.flags, one.takes_argument) for one in discover()}
    for word, ours in foreign.SCHEDULERS.items():
        if word not in known:
            check_known(scheduler(ours), known, ours)
    assert not foreign.key("no_such_key")
    keys = {key.name for kind in KINDS for key in kind.keys}
    for word in ("timeout.server", "balance", "bind", "maxconn", "delay_loop", "lb_kind"):
        name = foreign.key(word).removeprefix("write ").partition(" ")[0].partition("=")[0]
        assert name in keys | {"max"}, word
        assert not any(key_of(kind, word) for kind in KINDS)


def test_a_flag_that_is_none() -> None:
    with pytest.raises(BadValue) as caught:
        scheduler("rr x#y")
    assert caught.value.start == 3
