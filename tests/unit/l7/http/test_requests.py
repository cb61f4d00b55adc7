from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.errors import MessageError
from director.l7.http import requests
from director.l7.http.requests import Limits, RequestFramer, RequestHead, request_line
from tests.support.heads import request_head
from tests.support.oracles import h11_request, llhttp_request

HOST = b"Host: a.example\r\n"
HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"upgrade",
    b"http2-settings",
}


def get(*lines: bytes, target: bytes = b"/", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def read(raw: bytes, limits: Limits = Limits()) -> RequestHead | None:  # noqa: B008
    framer = RequestFramer(limits)
    framer.feed(raw)
    return framer.head()


def whole(raw: bytes) -> RequestHead:
    head = read(raw)
    assert head is not None
    return head


def refusal(raw: bytes, limits: Limits = Limits(), *, octets: bool = False) -> int:  # noqa: B008
    framer = RequestFramer(limits)
    with pytest.raises(MessageError) as caught:  # noqa: PT012 - the octet that is refused is not known before
        for piece in [raw[at : at + 1] for at in range(len(raw))] if octets else [raw]:
            framer.feed(piece)
            framer.head()
    return caught.value.status


def describe(head: RequestHead) -> tuple[object, ...]:
    return (head.method, head.sent, head.host, head.minor, head.lines.text, head.length,
            head.parsed.keep_alive, head.parsed.expect, head.parsed.upgrade)  # fmt: skip


GOOD = {
    "get": get(b"Host: a.example"),
    "query": get(b"Host: a.example", target=b'/a/b?c=d&e[]="|{}'),
    "absolute": get(b"Host: other", target=b"http://a.example/x"),
    "no space": get(b"Host:a.example"),
    "tabs": get(b"Host:\ta.example \t"),
    "empty value": get(b"Host: a.example", b"X-A:"),
    "8 bit": get(b"Host: a.example", b"X-A: \x80\xff"),
    "tchars": get(b"Host: a.example", b"!#$%&'*+-.^_`|~: 1"),
    "1.0": get(version=b"HTTP/1.0"),
    "1.9": get(b"Host: a.example", version=b"HTTP/1.9"),
    "length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\n",
    "chunked": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: Chunked\r\n\r\n",
    "upgrade": get(b"Host: a.example", b"Connection: Upgrade", b"Upgrade: websocket"),
    "expect": b"PUT / HTTP/1.1\r\n" + HOST + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n",
    "empty line before": b"\r\n" + get(b"Host: a.example"),
    "options": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "long method": b"M" * 64 + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "many fields": get(b"Host: a.example", *[b"X-%d: %d" % (n, n) for n in range(200)]),
}


@pytest.mark.parametrize("name", GOOD)
def test_whole_bytewise_truncated_and_with_junk_behind(name: str) -> None:
    raw = GOOD[name]
    expected = describe(whole(raw))
    for junk in (b"", b"\x00\xff junk", b"GET / HT", b"\n", b"\r\n\r\n"):
        framer = RequestFramer(Limits())
        framer.feed(raw + junk)
        head = framer.head()
        assert head is not None
        assert describe(head) == expected
        assert framer.take() == junk
    framer = RequestFramer(Limits())
    for at in range(len(raw)):
        assert framer.head() is None if at else True
        framer.feed(raw[at : at + 1])
    head = framer.head()
    assert head is not None
    assert describe(head) == expected
    assert framer.buffer == b""


@pytest.mark.parametrize("name", GOOD)
def test_cut_at_each_length_there_is_no_head(name: str) -> None:
    raw = GOOD[name]
    for size in range(1, len(raw), 1 + len(raw) // 400):
        assert read(raw[:size]) is None


def test_what_a_head_says() -> None:
    raw = b"POST /p%41?q HTTP/1.1\r\nHost: A.example:80\r\nContent-Length: 7\r\n"
    raw += b"X-One: 1\r\nx-one: 2 \r\nCookie: c\r\n\r\n"
    head = whole(raw)
    assert (head.method, head.sent, head.path, head.query) == (b"POST", b"/p%41?q", b"/p%41", b"?q")
    assert (head.host, head.minor, head.length) == (b"A.example:80", 1, 7)
    assert head.parsed.keep_alive
    assert head.header("x-one") == "1, 2"
    assert head.header("cookie") == "c"
    assert head.header("one") is None
    assert not head.body().done


@pytest.mark.parametrize(
    ("lines", "version", "keep_alive"),
    [
        # RFC 9112 9.3
        ((), b"HTTP/1.1", True),
        ((b"Connection: close",), b"HTTP/1.1", False),
        ((b"Connection: x , CLOSE",), b"HTTP/1.1", False),
        ((b"Connection: x", b"Connection: close"), b"HTTP/1.1", False),
        ((b"Connection: keep-alive, close",), b"HTTP/1.1", False),
        ((b"Connection: closed",), b"HTTP/1.1", True),
        ((), b"HTTP/1.0", False),
        ((b"Connection: Keep-Alive",), b"HTTP/1.0", True),
    ],
)
def test_persistence(lines: tuple[bytes, ...], version: bytes, *, keep_alive: bool) -> None:
    assert whole(get(b"Host: a.example", *lines, version=version)).parsed.keep_alive is keep_alive


@pytest.mark.parametrize(
    ("lines", "version", "upgrade"),
    [
        # RFC 9110 7.8
        ((b"Connection: upgrade", b"Upgrade: websocket"), b"HTTP/1.1", b"websocket"),
        ((b"Upgrade: websocket",), b"HTTP/1.1", b""),
        ((b"Connection: upgrade", b"Upgrade: websocket"), b"HTTP/1.0", b""),
        ((b"Connection: upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: A"), b"HTTP/1.1", b""),
        ((b"Connection: upgrade", b"Upgrade: websocket, H2C"), b"HTTP/1.1", b""),
        ((b"Connection: upgrade", b"Upgrade: a/1", b"Upgrade: h2c"), b"HTTP/1.1", b""),
        ((b"Connection: upgrade", b"Upgrade: a/1,b"), b"HTTP/1.1", b"a/1,b"),
        ((b"Connection: upgrade",), b"HTTP/1.1", b""),
    ],
)
def test_upgrade(lines: tuple[bytes, ...], version: bytes, upgrade: bytes) -> None:
    assert whole(get(b"Host: a.example", *lines, version=version)).parsed.upgrade == upgrade


def test_expect_is_for_a_body_only() -> None:
    """RFC 9110 10.1.1: 100-continue without content, and in HTTP/1.0, is ignored."""
    assert whole(GOOD["expect"]).parsed.expect
    assert not whole(get(b"Host: a.example", b"Expect: 100-continue")).parsed.expect
    assert not whole(b"POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\n").parsed.expect


REFUSED = {
    # RFC 9112 3: request line
    "double space": (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "tab": (b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "space behind": (b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n", 400),
    "space before": (b" GET / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n", 400),
    "lower-case version": (b"GET / http/1.1\r\n" + HOST + b"\r\n", 400),
    "version 1.10": (b"GET / HTTP/1.10\r\n" + HOST + b"\r\n", 400),
    "version 2.0": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "TLS on a clear port": (b"\x16\x03\x01\x02\x00\x01", 400),
    "method is no token": (b"G(T / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "LF in the line": (b"GET /\n HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "CR in the line": (b"GET /\r HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "two empty lines before": (b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "LF before": (b"\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "CR before": (b"\rGET / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "raw UTF-8": (get(b"Host: a", target=b"/\xc3\xa9"), 400),
    "fragment": (get(b"Host: a", target=b"/#f"), 400),
    # RFC 9112 3: a method longer than any that is known
    "long method": (b"M" * 65 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501),
    "CONNECT of a path": (b"CONNECT / HTTP/1.1\r\nHost: a:1\r\n\r\n", 501),
    # RFC 9112 5: field lines
    "space before colon": (get(b"Host : a"), 400),
    "no colon": (get(b"Host: a", b"X-A"), 400),
    "no name": (get(b"Host: a", b": 1"), 400),
    "fold": (get(b"Host: a", b"X-A: 1", b" 2"), 400),
    "fold by tab": (get(b"Host: a", b"X-A: 1", b"\t2"), 400),
    "fold first": (get(b" Host: a"), 400),
    "NUL": (get(b"Host: a", b"X-A: \x00"), 400),
    "DEL": (get(b"Host: a", b"X-A: \x7f"), 400),
    "CR in a value": (get(b"Host: a", b"X-A: 1\rX-B: 2"), 400),
    "LF in a value": (get(b"Host: a", b"X-A: 1\nX-B: 2"), 400),
    "CR CR LF": (b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400),
    "LF ends the head": (b"GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    "8-bit name": (get(b"Host: a", b"X-\xe9: 1"), 400),
    # RFC 9110 7.2: Host
    "no Host": (get(), 400),
    "two Hosts": (get(b"Host: a", b"Host: a"), 400),
    "two Hosts, cases": (get(b"Host: a", b"hOST: b"), 400),
    "bad Host": (get(b"Host: a/b"), 400),
    "no Host, absolute": (get(target=b"http://a/"), 400),
    # RFC 9112 6: framing
    "two lengths": (get(b"Host: a", b"Content-Length: 1", b"Content-Length: 2"), 400),
    "two equal lengths": (get(b"Host: a", b"Content-Length: 1", b"Content-Length: 1"), 400),
    "list of lengths": (get(b"Host: a", b"Content-Length: 1, 1"), 400),
    "signed length": (get(b"Host: a", b"Content-Length: +1"), 400),
    "hex length": (get(b"Host: a", b"Content-Length: 0x1"), 400),
    "no length": (get(b"Host: a", b"Content-Length:"), 400),
    "endless length": (get(b"Host: a", b"Content-Length: 9999999999999999999"), 413),
    "length and coding": (get(b"Host: a", b"Content-Length: 1", b"Transfer-Encoding: chunked"), 400),
    "coding and length": (get(b"Host: a", b"Transfer-Encoding: chunked", b"Content-Length: 1"), 400),
    "coding in 1.0": (get(b"Transfer-Encoding: chunked", version=b"HTTP/1.0"), 400),
    "two codings": (get(b"Host: a", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    "gzip, chunked": (get(b"Host: a", b"Transfer-Encoding: gzip, chunked"), 501),
    "identity": (get(b"Host: a", b"Transfer-Encoding: identity"), 501),
    "no coding": (get(b"Host: a", b"Transfer-Encoding:"), 400),
    "chunked;": (get(b"Host: a", b"Transfer-Encoding: chunked;"), 400),
    "vertical tab chunked": (get(b"Host: a", b"Transfer-Encoding: \x0bchunked"), 400),
    "quoted chunked": (get(b"Host: a", b'Transfer-Encoding: "chunked"'), 400),
    "TRACE with a body": (b"TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400),
    # RFC 9110 10.1.1
    "unknown expectation": (get(b"Host: a", b"Expect: tea"), 417),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_whole_and_bytewise(name: str) -> None:
    raw, status = REFUSED[name]
    assert refusal(raw) == status
    assert refusal(raw, octets=True) == status
    assert refusal(raw + b"GET / HTTP/1.1\r\nHost: b\r\n\r\n") == status


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00",
        b" ",
        b"\n",
        b"{",
        b"GET / HTTP/1.1\r\nX",
        b"GET / HTTP/1.1\r\nA: 1\r\n B\r\n",
        b"GET /\r\n",
        b"G T\r\n",
    ],
)
def test_what_cannot_become_a_head_is_refused_before_its_end(raw: bytes) -> None:
    if raw.endswith(b"X"):
        assert read(raw) is None
    else:
        assert refusal(raw) == 400


SMALL = Limits(line=60, header=100, fields=5, body=10)


@pytest.mark.parametrize("octets", [False, True])
@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (get(b"Host: a", target=b"/" + b"a" * 50), 414),
        (b"GET /" + b"a" * 100, 414),
        (get(b"Host: a", target=b"http://a/" + b"a" * 50), 414),
        (get(b"Host: a", b"X-A: " + b"a" * 200), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 200, 431),
        (get(b"Host: a", *[b"A:"] * 5), 431),
        (b"GET / HTTP/1.1\r\n" + b"A:\r\n" * 7, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413),
    ],
)
def test_limits(raw: bytes, status: int, *, octets: bool) -> None:
    assert refusal(raw, SMALL, octets=octets) == status


def test_at_the_limit() -> None:
    target = b"/" + b"a" * (60 - len(b"GET / HTTP/1.1"))
    text = b"Host: a\r\nX: " + b"a" * 86 + b"\r\n"
    assert len(text) == 100
    assert read(b"GET " + target + b" HTTP/1.1\r\n" + text + b"\r\n", SMALL) is not None
    assert read(get(b"Host: a", *[b"A:"] * 4), SMALL) is not None
    assert read(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", SMALL) is not None


def test_new_limits_hold_for_fields_that_are_repeated() -> None:
    framer = RequestFramer(Limits())
    raw = get(b"Host: a", b"X: " + b"a" * 100)
    framer.feed(raw)
    assert framer.head() is not None
    framer.bind(SMALL)
    framer.feed(raw)
    with pytest.raises(MessageError, match="header too large"):
        framer.head()


def test_pipelined_heads_come_in_order() -> None:
    framer = RequestFramer(Limits())
    framer.feed(
        b"".join(get(b"Host: a", b"X: %d" % (number // 3), target=b"/%d" % number) for number in range(9))
    )
    for number in range(9):
        head = framer.head()
        assert head is not None
        assert (head.sent, head.header("x")) == (b"/%d" % number, str(number // 3))
    assert framer.head() is None


def test_a_client_that_repeats_itself_is_understood_each_time() -> None:
    framer = RequestFramer(Limits())
    for target, host in ((b"/1", b"a"), (b"http://b/2", b"b"), (b"/3", b"a"), (b"/3", b"a")):
        framer.feed(get(b"Host: a", b"Connection: close", target=target))
        head = framer.head()
        assert head is not None
        assert (head.host, head.parsed.keep_alive, head.sent[-1:]) == (host, False, target[-1:])


def test_a_memo_does_not_mix_versions() -> None:
    lines = (b"Host: memo.example", b"X-Only: here")
    assert whole(get(*lines)).minor == 1
    assert whole(get(*lines, version=b"HTTP/1.0")).minor == 0
    assert not whole(get(*lines, version=b"HTTP/1.0")).parsed.keep_alive


def test_a_drip_costs_each_octet_once() -> None:
    """Octets that the framer looks at again while a head comes one by one: at most a line's worth."""
    framer = RequestFramer(Limits())
    raw = b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\nHost: a\r\n" + b"X-A: " + b"b" * 8000 + b"\r\n"
    framer.feed(raw[:1])
    framer.head()
    for at in range(1, len(raw)):
        assert framer.searched >= at - 1
        framer.feed(raw[at : at + 1])
        framer.head()
    assert framer.searched == len(raw)


def test_a_hostile_head_is_refused_in_linear_work() -> None:
    """Patterns that backtrack would take years for these; the test ends at once or never."""
    limits = Limits(line=1 << 20, header=1 << 20)
    for unit in (b"a", b"a:", b"a: b\r", b"\t ", b"%", b"/", b"?", b"a,", b"\r\n"):
        blob = unit * (32768 // len(unit))
        for raw in (
            b"GET /" + blob,
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + blob + b"\x00\r\n\r\n",
            blob,
            blob + b"\r\n\r\n",
        ):
            framer = RequestFramer(limits)
            framer.feed(raw)
            try:
                framer.head()
            except MessageError as error:
                assert error.status in {400, 414, 431, 501, 505}  # noqa: PT017


def test_thousands_of_nominated_fields_cost_one_pass() -> None:
    options = b",".join(b"x%d" % number for number in range(6000))
    head = whole(get(b"Host: a", b"Connection: " + options[:30000], b"X5: 1", b"Y: 2"))
    assert head.kept() == b"Host: a\r\nY: 2\r\n"


def test_hop_by_hop_fields_are_not_kept() -> None:
    """RFC 9110 7.6.1; Connection cannot nominate what frames or routes it.  Trailer passes (6.6.2)."""
    lines = (
        b"Host: a", b"Connection: X-A, host, content-length, Keep-Alive, cache-control", b"x-a: 1", b"X-A: 2",
        b"Keep-Alive: 5",
        b"Proxy-Connection: x", b"TE: trailers", b"Trailer: X", b"Upgrade: x", b"HTTP2-Settings: A",
        b"Transfer_Encoding: chunked",
        b"Content_Length: 5", b"Cache-Control: no-cache", b"Content-Length: 3", b"X-B: 3",
    )  # fmt: skip
    head = whole(get(*lines))
    assert (
        head.kept() == b"Host: a\r\nTrailer: X\r\nCache-Control: no-cache\r\nContent-Length: 3\r\nX-B: 3\r\n"
    )


def test_a_head_for_what_is_not_read() -> None:
    head = requests.no_head()
    assert (head.method, head.host, head.length, head.fields) == (b"", b"", 0, {})
    assert head.body().done


# --- against h11 and llhttp ------------------------------------------------------------------------

NAMES = st.sampled_from(
    [b"X-A", b"x-a", b"Accept", b"Cookie", b"Via", b"Connection", b"TE", b"Keep-Alive", b"Upgrade"]
)
VALUES = st.sampled_from(
    [b"", b"1", b" a b", b"\tx\t", b"a,b", b"close", b"keep-alive", b"x-a, cookie", b"\xc3\xa9", b'"q"']
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=6)
TARGETS = st.sampled_from([b"/", b"/a?b", b"/%41/..//x", b"/a;b=c?", b"http://b.example/x", b"/a:b@c"])
BODIES = st.sampled_from(
    [
        (b"", b""),
        (b"Content-Length: 3\r\n", b"abc"),
        (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
    ]
)


@given(st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE"]), TARGETS, FIELDS, BODIES)
def test_what_we_send_on_is_read_alike_by_all(
    method: bytes, target: bytes, fields: list[tuple[bytes, bytes]], body: tuple[bytes, bytes]
) -> None:
    """The re-serialised head has the same meaning, less the hop-by-hop fields, for us, h11 and llhttp."""
    text = b"".join(b"%b: %b\r\n" % field for field in fields)
    head = whole(method + b" " + target + b" HTTP/1.1\r\n" + HOST + text + body[0] + b"\r\n")
    sent = request_head(head, head.sent, frozenset(), b"")
    again = whole(sent)
    assert (again.method, again.sent, again.host, again.length) == (method, head.sent, head.host, head.length)
    for oracle in (h11_request, llhttp_request):
        reading = oracle(sent + body[1])
        assert reading is not None
        assert reading.start == (method, head.sent)
        assert reading.body == (b"abc" if body[1] else b"")
        assert [value for name, value in reading.fields if name == b"host"] == [head.host]
        names = [name for name, _ in reading.fields]
        gone = HOP_BY_HOP - ({b"connection", b"upgrade"} if head.parsed.upgrade else set())
        assert not gone & set(names)
        nominated = b"x-a, cookie" in [value.strip() for name, value in fields if name == b"Connection"]
        kept = [value.strip() for name, value in fields if name.lower() == b"x-a" and not nominated]
        assert [value for name, value in reading.fields if name == b"x-a"] == kept


PIECES = st.sampled_from(
    [b"GET", b" ", b"/", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b"Host: a", b"Host:",
     b"Content-Length: 3", b"abc",
     b"Content-Length: 03", b"Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n", b":", b"\t", b"X: 1",
     b"\x00", b"*", b"?q"]
)  # fmt: skip
NEARLY = st.lists(PIECES, max_size=12).map(
    lambda pieces: b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(pieces) + b"\r\n\r\n"
)


@given(
    st.one_of(NEARLY, st.lists(PIECES, max_size=20).map(b"".join)),
    st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n"]),
)
def test_accepted_by_us_is_accepted_by_others_with_the_same_meaning(raw: bytes, body: bytes) -> None:
    framer = RequestFramer(Limits())
    framer.feed(raw + body)
    try:
        head = framer.head()
        if head is None:
            return
        payload, surplus = head.body().read(framer.take())
    except MessageError:
        return
    message = (raw + body)[: len(raw + body) - len(surplus)]
    reader = head.body()
    reader.read(message[message.index(b"\r\n\r\n") + 4 :])
    for oracle in (h11_request, llhttp_request):
        reading = oracle(message.removeprefix(b"\r\n"))
        if not reader.done:
            assert reading is None
            continue
        assert reading is not None, (oracle, message)
        assert reading.start == (head.method, head.sent)
        assert reading.body == payload
        assert reading.keep_alive == head.parsed.keep_alive
        assert [value for name, value in reading.fields if name == b"x"] == head.lines.values(b"x")


@given(st.one_of(NEARLY, st.sampled_from(sorted(GOOD.values()))))
def test_a_head_that_is_repeated_is_read_as_the_first_time(raw: bytes) -> None:
    """From memory, in steps, and by another reader."""

    def outcome(framer: RequestFramer, *pieces: bytes) -> object:
        for piece in pieces:
            framer.feed(piece)
            try:
                head = framer.head()
            except MessageError:
                return "refused"
        return head and (*describe(head), head.path, head.query, head.fields, framer.take())

    first, other = RequestFramer(Limits()), RequestFramer(Limits())
    found = outcome(first, raw)
    if found != "refused":
        assert outcome(first, raw) == outcome(first, raw[:2], raw[2:]) == outcome(first, raw) == found
    assert outcome(other, raw) == found


def test_only_a_whole_head_without_a_body_is_remembered() -> None:
    def after_one(name: str) -> tuple[RequestHead | None, RequestHead | None]:
        framer = RequestFramer(Limits())
        found = []
        for _ in range(3):
            framer.feed(GOOD[name])
            found.append(framer.head())
        return found[1], found[2]

    first, again = after_one("get")
    assert first is not None
    assert first is again
    assert first.remembered
    for name in ("length", "chunked", "absolute", "options", "many fields"):
        first, again = after_one(name)
        assert first is not again, name
        assert first is not None
        assert not first.remembered
    pipelined = read(GOOD["get"] * 2)
    assert pipelined is not None
    assert not pipelined.remembered


@given(st.one_of(st.binary(max_size=120), NEARLY), st.integers(0, 2**32))
def test_a_framer_raises_nothing_but_message_errors(raw: bytes, seed: int) -> None:
    """And it says the same of the same bytes, however they are split."""
    rng = random.Random(seed)

    def outcome(sizes: list[int]) -> object:
        framer = RequestFramer(Limits())
        at = 0
        for size in sizes:
            framer.feed(raw[at : at + size])
            at += size
            try:
                head = framer.head()
            except MessageError:
                return "refused"
            if head is not None:
                return describe(head)
        return None

    sizes: list[int] = []
    while sum(sizes) < len(raw):
        sizes.append(rng.randint(1, 9))
    assert outcome([len(raw)]) == outcome(sizes)


@pytest.mark.parametrize(
    ("octets", "method", "target"),
    [
        (b"GET /a%zz HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/a%zz"),
        (b"\r\nGET /x", "GET", "/x"),
        (b"GET  /two-spaces HTTP/1.1\r\n", "GET", "-"),
        (b"GET /lf HTTP/1.1\nHost: h\n\n", "GET", "/lf"),
        (b"GET", "-", "-"),
        (b"", "-", "-"),
        (b"\x16\x03\x01\x02\0 \x01", "-", "-"),
        (b"M" * 65 + b" / HTTP/1.1\r\n", "-", "-"),
        (b"GET /\xff\x00 HTTP/1.1\r\n", "GET", "/\xff\0"),
        (b"GET /" + b"a" * 5000, "GET", "/" + "a" * 1019),
    ],
)
def test_what_a_refused_request_asked(octets: bytes, method: str, target: str) -> None:
    """For the log alone, so anything goes, in bounds."""
    assert request_line(octets) == (method, target)


# --- a change of protocol, and trailers (RFC 9110 7.8, 10.1.4) -------------------------------------------


@pytest.mark.parametrize(
    ("lines", "upgrade", "once"),
    [
        ([b"Connection: upgrade", b"Upgrade: websocket"], b"websocket", True),
        (
            [b"Connection: Keep-Alive, Upgrade", b"Upgrade: websocket", b"Content-Length: 0"],
            b"websocket",
            True,
        ),
        # A body with it: what asks for the change goes, and the server's connection carries nothing more.
        ([b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 31"], b"", True),
        ([b"Connection: upgrade", b"Upgrade: websocket", b"Transfer-Encoding: chunked"], b"", True),
        # Nobody asks for it: the field is dropped, the request is one like others.
        ([b"Upgrade: websocket"], b"", False),
        ([b"Connection: upgrade", b"Upgrade: h2c", b"HTTP2-Settings: A"], b"", False),
        ([b"Connection: upgrade"], b"", False),
    ],
)
def test_what_asks_for_another_protocol(lines: list[bytes], upgrade: bytes, *, once: bool) -> None:
    parsed = whole(get(b"Host: a", *lines)).parsed
    assert (parsed.upgrade, parsed.once) == (upgrade, once)


@pytest.mark.parametrize(
    ("te", "trailers"),
    [(b"trailers", True), (b"gzip;q=0.5, Trailers", True), (b"gzip", False), (b"", False)],
)
def test_who_takes_trailers(te: bytes, *, trailers: bool) -> None:
    assert whole(get(b"Host: a", b"Connection: TE", b"TE: " + te)).parsed.trailers is trailers
