"""Messages as in RFC 1035 4.1; the second opinion is Twisted's own reader and writer of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.names import dns as names

from director.health.probes.dns import TYPES, encoded_name, judge, query

ASKED = query(0x1234, "A", "www.example.org")


def answer(
    identity: int = 0x1234,
    *,
    name: bytes = b"www.example.org",
    code: int = 0,
    records: int = 1,
    response: bool = True,
) -> bytes:
    message = names.Message(identity, answer=response, rCode=code)
    message.addQuery(name, names.A)
    for number in range(records):
        message.answers.append(names.RRHeader(name, names.A, payload=names.Record_A(f"192.0.2.{number}")))
    return message.toStr()


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_query_is_one_that_others_read(kind: str) -> None:
    message = names.Message()
    message.fromStr(query(7, kind, "www.example.org."))
    (asked,) = message.queries
    assert (message.id, message.answer, message.recDes) == (7, 0, 1)
    assert (asked.name.name, asked.cls) == (b"www.example.org", names.IN)
    assert names.QUERY_TYPES[asked.type] == kind


@pytest.mark.parametrize(
    ("reply", "judgement"),
    [
        (answer(), (True, "1 record")),
        (answer(records=3), (True, "3 records")),
        (answer(name=b"WWW.example.ORG"), (True, "1 record")),
        (answer(records=0), (False, "it answers without a record")),
        (answer(code=2, records=0), (False, "it answers server failure")),
        (answer(code=3, records=0), (False, "it answers no such name")),
        (answer(code=5, records=0), (False, "it answers refused")),
        # RFC 1035 4.1.1: a server that could not read the query may send a header alone.
        (b"\x12\x34\x80\x01" + bytes(8), (False, "it answers format error")),
        (b"\x12\x34\x82\x00\x00\x01" + bytes(6) + ASKED[12:], (True, "it answers, too long for a datagram")),
        # Not an answer to this question, so somebody else's.
        (answer(0x1235), None),
        (answer(name=b"other.example.org"), None),
        (answer(response=False), None),
        (b"", None),
        (b"\x12\x34\x80", None),
    ],
)
def test_only_an_answer_to_the_question_counts(reply: bytes, judgement: tuple[bool, str] | None) -> None:
    assert judge(ASKED, reply) == judgement


def test_a_cut_answer_is_none() -> None:
    whole = answer(records=0)
    for length in range(len(whole)):
        found = judge(ASKED, whole[:length])
        assert found is None or not found[0]


@given(st.binary(max_size=80))
def test_whatever_comes_does_no_harm(reply: bytes) -> None:
    assert judge(ASKED, b"\x12\x34" + reply) in (None, judge(ASKED, b"\x12\x34" + reply))


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".org", ".".join(["x" * 60] * 5)])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        encoded_name(name)


def test_the_root_has_no_labels() -> None:
    assert encoded_name(".") == b"\0"
