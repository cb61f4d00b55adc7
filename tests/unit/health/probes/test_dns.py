"""Messages as in RFC 1035 4.1; the second opinion is Twisted's own reader and writer of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.names import dns as names

from director.health.probes.base import shown
from director.health.probes.dns import TYPES, encoded_name, judge, name_at, query
from director.model.conditions import Term

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


def records_of(*payloads: Any) -> bytes:
    """An answer with such records, as Twisted writes it, names compressed."""
    message = names.Message(0x1234, answer=True)
    message.addQuery(b"www.example.org", names.A)
    for payload in payloads:
        message.answers.append(names.RRHeader(b"www.example.org", payload.TYPE, payload=payload))
    return message.toStr()


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (names.Record_A("192.0.2.9"), "192.0.2.9"),
        (names.Record_AAAA("2001:db8::1"), "2001:db8::1"),
        (names.Record_CNAME(b"Shop.example.org"), "shop.example.org"),
        (names.Record_NS(b"ns.example.org"), "ns.example.org"),
        (names.Record_MX(10, b"mail.example.org"), "10 mail.example.org"),
        (names.Record_SRV(1, 2, 5060, b"sip.example.org"), "1 2 5060 sip.example.org"),
        (names.Record_TXT(b"v=spf1 ", b"-all"), "v=spf1 -all"),
        (
            names.Record_SOA(b"ns.example.org", b"who.example.org", 1, 2, 3, 4, 5),
            "ns.example.org who.example.org 1 2 3 4 5",
        ),
    ],
)
def test_an_answer_is_expected_as_in_a_zone_file(payload: Any, text: str) -> None:
    reply = records_of(names.Record_A("198.51.100.1"), payload)
    assert judge(ASKED, reply, (Term("answer", "", "=", (text,)),)) == (
        True, f"it answers {shown(f'198.51.100.1, {text}'.encode())}",
    )  # fmt: skip
    found = judge(ASKED, reply, (Term("answer", "", "=", ("else",)),))
    assert found is not None
    assert found[0] is False
    assert found[1].endswith("but not answer = else")


@given(st.binary(max_size=80))
def test_records_that_cannot_be_read_are_no_records(garbage: bytes) -> None:
    header = b"\x12\x34\x80\x00\x00\x01\x00\x02" + bytes(4)
    found = judge(ASKED, header + ASKED[12:] + garbage, (Term("answer", "", "=", ("no such",)),))
    assert found is not None
    assert found[0] is False


def test_a_name_that_points_at_itself_ends() -> None:
    with pytest.raises(IndexError):
        name_at(b"\xc0\x00", 0)
