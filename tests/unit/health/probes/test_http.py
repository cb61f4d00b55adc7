from __future__ import annotations

import h11
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from director.health.probes.http import ANSWER_LIMIT, BODY_LIMIT, HttpProbe, ranges, request
from director.l7.http.responses import RESPONSE_HEAD_LIMIT, ResponseFramer
from director.model.conditions import Term
from director.model.pools import Address, Check

CHECK = Check("alive", kind="http", target="/healthz", statuses=((200, 299), (304, 304)))
ADDRESS = Address("10.0.0.1", 8080)


def reading(check: Check = CHECK) -> HttpProbe:
    return HttpProbe(check, ADDRESS, ResponseFramer(check.method.encode()))


def judged(*pieces: bytes, check: Check = CHECK) -> tuple[bool | None, str] | None:
    reader = reading(check)
    for piece in pieces:
        reader.feed(piece)
    return reader.judgement


@pytest.mark.parametrize(
    ("check", "address", "host"),
    [
        (CHECK, ADDRESS, b"10.0.0.1:8080"),
        (CHECK, Address("::1", 80), b"[::1]:80"),
        (CHECK, Address(path="/run/x.sock"), b"localhost"),
        (Check("c", kind="http", host="www.example.org"), ADDRESS, b"www.example.org"),
    ],
)
def test_the_request_is_one_that_h11_reads(check: Check, address: Address, host: bytes) -> None:
    server = h11.Connection(h11.SERVER)
    server.receive_data(request(check, address))
    event = server.next_event()
    assert isinstance(event, h11.Request)
    assert (event.method, event.target) == (b"GET", check.target.encode())
    assert dict(event.headers)[b"host"] == host
    assert dict(event.headers)[b"connection"] == b"close"
    assert isinstance(server.next_event(), h11.EndOfMessage)


ALIVE = (True, "status 200")
NOT_TAKEN = "no answer that layer 7 would take: malformed response: "
CASES = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ALIVE),
    (b"HTTP/1.0 200 OK\r\n\r\nhello", ALIVE),
    (b"HTTP/1.1 200\r\n\r\n", ALIVE),
    (b"HTTP/1.1 200 \r\n\r\n", ALIVE),
    (b"HTTP/1.1 200 gut gemacht \xfc\r\nX: \xff\r\n\r\n", ALIVE),
    (b"HTTP/1.1 204 No Content\r\nX: " + b"x" * 5000 + b"\r\n\r\n", (True, "status 204")),
    (b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 60000 + b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", ALIVE),
    (b"HTTP/1.1 304 Not Modified\r\n\r\n", (True, "status 304")),
    (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ALIVE,
    ),
    (b"HTTP/1.1 503 No\r\n\r\n", (False, "status 503, expected 200-299, 304")),
    (b"HTTP/1.1 101 Up\r\n\r\n", (False, "status 101, expected 200-299, 304")),
    (b"HTTP/1.1 200 OK\nServer: old\n\n", (False, NOT_TAKEN + "'HTTP/1.1 200 OK?Server: old??'")),
    (b"SSH-2.0-OpenSSH\r\n", (False, NOT_TAKEN + "'SSH-2.0-OpenSSH??'")),
    (b"HTTP/2.0 200 OK\r\n\r\n", (False, NOT_TAKEN + "'HTTP/2.0 200 OK????'")),
    (b"HTTP/1.1 2OO OK\r\n\r\n", (False, NOT_TAKEN + "'HTTP/1.1 2OO OK????'")),
    (b"HTTP/1.1 099 OK\r\n\r\n", (False, NOT_TAKEN + "'HTTP/1.1 099 OK????'")),
    (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", (False, NOT_TAKEN + "'HTTP/1.1 200 OK??no colon????'")),
    (b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", (False, NOT_TAKEN + "'HTTP/1.1 200 OK?? folded: x????'")),
]


@pytest.mark.parametrize(("answer", "judgement"), CASES)
def test_an_answer_is_judged_by_its_status(answer: bytes, judgement: tuple[bool, str]) -> None:
    """RFC 9112 section 4: status line; RFC 9110 section 15.2: interim answers are skipped."""
    assert judged(answer) == judgement


@pytest.mark.parametrize(("answer", "judgement"), CASES)
def test_the_judgement_does_not_depend_on_the_pieces(answer: bytes, judgement: tuple[bool, str]) -> None:
    found = judged(*(answer[place : place + 1] for place in range(len(answer))))
    assert found is not None
    assert found[0] == judgement[0]
    assert found[1].split(":")[0] == judgement[1].split(":")[0]


def test_a_cut_answer_is_no_answer() -> None:
    for length in range(len(b"HTTP/1.1 200 OK\r\n\r\n") - 1):
        reader = reading()
        reader.feed(b"HTTP/1.1 200 OK\r\n\r\n"[:length])
        assert reader.judgement is None
        assert reader.closed()[0] is False


def test_closing_after_the_judgement_changes_nothing() -> None:
    reader = reading()
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    assert reader.closed() == ALIVE


def test_a_head_may_be_as_long_as_layer_7_takes_it() -> None:
    begin = b"HTTP/1.1 200 OK\r\n"
    room = RESPONSE_HEAD_LIMIT - len(begin) - len(b"X: \r\n\r\n")
    assert judged(begin, b"X: " + b"x" * room + b"\r\n\r\n") == ALIVE
    too_long = judged(begin, b"X: " + b"x" * (room + 1) + b"\r\n\r\n")
    assert too_long is not None
    assert too_long[1].startswith("no answer that layer 7 would take: response head too large: ")


def test_interim_answers_are_skipped_however_many_but_not_for_ever() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert judged(interim * 100 + b"HTTP/1.1 200 OK\r\n\r\n") == ALIVE
    reader = reading()
    for _ in range(ANSWER_LIMIT // len(interim) // 100 + 1):
        reader.feed(interim * 100)
    assert reader.judgement == (False, "no final answer within 1048576 octets")


def test_a_body_is_counted_and_not_kept() -> None:
    reader = reading()
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\nab")
    assert (reader.body, reader.enough) == (2, False)
    reader.feed(b"x" * BODY_LIMIT)
    assert reader.enough


STATE = Term("header", "x-state", "=", ("ready",))
GOOD = Term("body", "", "~", ("^all.good",))
HEAD = b"HTTP/1.1 200 OK\r\nX-State: ready\r\n"


@pytest.mark.parametrize(
    ("terms", "answer", "judgement"),
    [
        ((STATE,), HEAD + b"\r\n", ALIVE),
        ((STATE,), b"HTTP/1.1 200 OK\r\nX-State: off\r\nx-state: ready\r\n\r\n", ALIVE),
        ((STATE,), b"HTTP/1.1 200 OK\r\n\r\n", (False, "status 200, but not header x-state = ready")),
        ((Term("header", "x-state", "exists"),), HEAD + b"\r\n", ALIVE),
        ((STATE, GOOD), HEAD + b"Content-Length: 8\r\n\r\nall good", ALIVE),
        ((GOOD,), HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nall\r\n5\r\n good\r\n0\r\n\r\n", ALIVE),
        (
            (GOOD,),
            HEAD + b"Content-Length: 7\r\n\r\nall bad",
            (False, "status 200, but not body ~ ^all.good"),
        ),
        ((GOOD,), HEAD + b"Content-Length: 0\r\n\r\n", (False, "status 200, but not body ~ ^all.good")),
        ((GOOD,), HEAD + b"Content-Length: 9\r\n\r\nall good", None),
        ((GOOD,), HEAD + b"\r\nall good", None),
        ((GOOD,), b"HTTP/1.1 503 No\r\n\r\n", (False, "status 503, expected 200-299, 304")),
    ],
)
def test_an_answer_must_be_all_that_is_expected(
    terms: tuple[Term, ...], answer: bytes, judgement: tuple[bool, str] | None
) -> None:
    check = evolve(CHECK, terms=terms)
    assert judged(answer, check=check) == judgement
    assert judged(*(answer[place : place + 1] for place in range(len(answer))), check=check) == judgement


def test_a_body_until_the_close_is_judged_at_the_close() -> None:
    reader = reading(evolve(CHECK, terms=(GOOD,)))
    reader.feed(HEAD + b"\r\nall good")
    assert reader.closed() == ALIVE
    cut = reading(evolve(CHECK, terms=(GOOD,)))
    cut.feed(HEAD + b"Content-Length: 9\r\n\r\nall good")
    assert cut.closed() == (False, "an incomplete answer")


def test_a_long_body_is_judged_by_its_begin() -> None:
    reader = reading(evolve(CHECK, terms=(Term("body", "", "$=", ("x",)),)))
    reader.feed(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"y" * (BODY_LIMIT - 1))
    assert reader.judgement is None
    reader.feed(b"xy")
    assert reader.judgement == ALIVE


def test_broken_chunks_are_no_answer() -> None:
    reader = reading(evolve(CHECK, terms=(GOOD,)))
    reader.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    reader.feed(b"zz\r\n")
    assert reader.judgement == (False, "no answer that layer 7 would take: bad chunk size: 'zz??'")


@given(st.lists(st.binary(max_size=50)))
def test_whatever_comes_is_judged_or_waited_for(pieces: list[bytes]) -> None:
    reader = reading()
    for piece in pieces:
        reader.feed(piece)
    alive, why = reader.closed()
    assert why.isprintable()
    assert not alive or b"200" in b"".join(pieces) or b"2" in b"".join(pieces) or b"304" in b"".join(pieces)


def test_what_is_expected_is_said_as_it_is_written() -> None:
    assert ranges(CHECK) == "200-299, 304"


def test_further_fields_are_sent_and_replace_ours() -> None:
    check = evolve(CHECK, headers=(("X-Key", "secret"), ("user-agent", "mine")))
    sent = request(check, ADDRESS)
    assert b"\r\nX-Key: secret\r\nuser-agent: mine\r\n\r\n" in sent
    assert b"director-check" not in sent
    assert sent.count(b"Host:") == 1
