"""What origins may answer, and what the client must then get (RFC 9112 sections 4, 6 and 8; RFC 9110 section 15).

A bad answer gives the client a 502 (504 when nothing came), or, when its head has been passed on, a message that is
visibly cut.  It never gives a clean but wrong message, and never leaves its rest on a pooled connection.
"""

from __future__ import annotations

from attrs import frozen

from tests.support.origin import (
    Close,
    Drip,
    Hang,
    Pause,
    Repeat,
    Reset,
    Send,
    Step,
    chunked,
    response,
)

GONE = frozenset({502, 503, 504})


@frozen
class AnswerCase:
    """One answer of an origin.

    Attributes:
        status: what the client must get; 0 = one of `GONE`.
        body: what the client must get, exactly, when `status` is set.
        late: the error shows when the head has gone already, so a cut answer is right as well.
        interim: statuses of 1xx answers that the client must get first.
        reuse: whether the server connection may carry another request.
        method, version: of the client's request.
    """

    id: str
    about: str
    steps: tuple[Step, ...]
    status: int = 0
    body: bytes = b""
    late: bool = False
    interim: tuple[int, ...] = ()
    reuse: bool = False
    method: bytes = b"GET"
    version: bytes = b"1.1"
    fields: tuple[tuple[bytes, bytes], ...] = ()
    absent: tuple[bytes, ...] = ()


def _bad(
    ident: str,
    about: str,
    raw: bytes,
    *more: Step,
    late: bool = False,
    method: bytes = b"GET",
) -> AnswerCase:
    return AnswerCase(f"bad.{ident}", about, (Send(raw), *more), late=late, method=method)


def _good(
    ident: str,
    about: str,
    raw: bytes,
    *more: Step,
    status: int = 200,
    body: bytes = b"abc",
    **rest: object,
) -> AnswerCase:
    return AnswerCase(f"good.{ident}", about, (Send(raw), *more), status=status, body=body, **rest)  # type: ignore[arg-type]


OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 3\r\n"
CODED = b"Transfer-Encoding: chunked\r\n"
END = b"\r\nabc"

STATUS_LINES = {
    "empty": b"\r\n\r\n",
    "garbage": b"\x00\xff\xfe garbage\r\n\r\n",
    "html": b"<html>abc</html>",
    "request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "no-version": b"200 OK\r\nContent-Length: 0\r\n\r\n",
    "http09": b"abc",
    "http2": b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "http20": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "lower": b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no-status": b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "two-digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "four-digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "letters": b"HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n",
    "zero": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "negative": b"HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n",
    "two-spaces": b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    "tab": b"HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n",
    "leading-space": b" HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "nul-reason": b"HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n",
    "cr-reason": b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
    "endless": b"HTTP/1.1 200 " + b"r" * (1 << 20),
    "h2-settings": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "tls-alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "ssh": b"SSH-2.0-x\r\n",
}
FIELD_LINES = {
    "no-colon": b"X-A\r\n",
    "space-colon": b"X-A : b\r\n",
    "empty-name": b": b\r\n",
    "fold": b"X-A: a\r\n b\r\n",
    "fold-length": b"X-A: a\r\n Content-Length: 9\r\n",
    "lf": b"X-A: a\n",
    "cr": b"X-A: a\rX-B: b\r\n",
    "nul": b"X-A: a\x00b\r\n",
    "ctl": b"X-A: \x01\r\n",
    "name-8-bit": b"X-\xe9: a\r\n",
    "del": b"X-A: \x7f\r\n",
    "name-space": b"X A: b\r\n",
    "crcrlf": b"X-A: b\r\r\n",
}
FRAMINGS = {
    "length-two-different": b"Content-Length: 3\r\nContent-Length: 5\r\n",
    "length-list-different": b"Content-Length: 3, 5\r\n",
    "length-plus": b"Content-Length: +3\r\n",
    "length-minus": b"Content-Length: -3\r\n",
    "length-hex": b"Content-Length: 0x3\r\n",
    "length-empty": b"Content-Length:\r\n",
    "length-huge": b"Content-Length: " + b"9" * 40 + b"\r\n",
    "length-letters": b"Content-Length: abc\r\n",
    "length-and-chunked": LENGTH + CODED,
    "chunked-and-length": CODED + LENGTH,
    "coding-unknown": b"Transfer-Encoding: cow\r\n",
    "coding-gzip": b"Transfer-Encoding: gzip\r\n",
    "coding-identity": b"Transfer-Encoding: identity\r\n" + LENGTH,
    "coding-twice": CODED + CODED,
    "coding-vt": b"Transfer-Encoding: \x0bchunked\r\n",
    "coding-chunked-cow": b"Transfer-Encoding: chunked, cow\r\n",
}
CHUNK_ERRORS = {
    "size": b"zz\r\nabc\r\n0\r\n\r\n",
    "size-prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "size-minus": b"-3\r\nabc\r\n0\r\n\r\n",
    "size-huge": b"f" * 40 + b"\r\nabc\r\n",
    "no-crlf": b"3\r\nabcX0\r\n\r\n",
    "lf": b"3\nabc\n0\n\n",
    "shorter": b"4\r\nabc\r\n0\r\n\r\n",
    "trailer-bad": b"3\r\nabc\r\n0\r\nX-T\r\n\r\n",
    "extension-endless": b"3;" + b"a" * (1 << 18),
    "trailer-endless": b"3\r\nabc\r\n0\r\n" + b"X-T: a\r\n" * 50000,
}
CUTS = {
    "line": b"HTTP/1.1 20",
    "head": OK + b"X-A: b\r\n",
    "before-end": OK + LENGTH + b"\r",
    "body-none": OK + LENGTH + b"\r\n",
    "body-short": OK + LENGTH + b"\r\nab",
    "chunk-none": OK + CODED + b"\r\n",
    "chunk-half": OK + CODED + b"\r\n3\r\nab",
    "chunk-no-last": OK + CODED + b"\r\n3\r\nabc\r\n",
    "chunk-no-end": OK + CODED + b"\r\n3\r\nabc\r\n0\r\n",
    "large": OK + b"Content-Length: 1000000\r\n\r\n" + b"x" * 500000,
    "only-100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "nothing": b"",
}


def _bads() -> list[AnswerCase]:
    return [
        *(
            _bad(f"line-{name}", "RFC 9112 4: no status line", raw, Close())
            for name, raw in STATUS_LINES.items()
        ),
        *(
            _bad(
                f"field-{name}",
                "RFC 9112 5: no field line",
                OK + LENGTH + raw + END,
                Close(),
            )
            for name, raw in FIELD_LINES.items()
        ),
        *(
            _bad(
                f"frame-{name}",
                "RFC 9112 6.3: ambiguous length",
                OK + raw + b"\r\n" + (b"3\r\nabc\r\n0\r\n\r\n"),
                Close(),
            )
            for name, raw in FRAMINGS.items()
        ),
        *(
            _bad(
                f"chunk-{name}",
                "RFC 9112 7.1: bad chunks",
                OK + CODED + b"\r\n" + raw,
                Close(),
                late=True,
            )
            for name, raw in CHUNK_ERRORS.items()
        ),
        *(
            _bad(
                f"cut-{name}",
                "RFC 9112 8: the server leaves too early",
                raw,
                Close(),
                late=True,
            )
            for name, raw in CUTS.items()
        ),
        *(
            _bad(
                f"reset-{name}",
                "RFC 9112 8: the server resets",
                raw,
                Pause(0.05),
                Reset(),
                late=True,
            )
            for name, raw in CUTS.items()
            if raw
        ),
        _bad(
            "switch-unasked",
            "RFC 9110 15.2.2: 101 that nobody asked for",
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nabc",
            Hang(),
        ),
        _bad("hang", "no answer in time", b"", Hang()),
        _bad("hang-head", "half a head, then nothing", OK + b"X-A: b\r\n", Hang()),
        _bad(
            "hang-body",
            "half a body, then nothing",
            OK + LENGTH + b"\r\na",
            Hang(),
            late=True,
        ),
        _bad(
            "trickle-head",
            "a head at one octet per 0.4 s",
            b"",
            Drip(OK + b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", 1, 0.4),
        ),
        _bad(
            "header-1m",
            "a head of 1 MB",
            OK + b"X-A: " + b"v" * (1 << 20) + b"\r\n" + LENGTH + END,
            Close(),
        ),
        _bad(
            "header-64k-no-end",
            "a head without end",
            OK + b"X-A: ",
            Repeat(b"v" * 65536, 64),
            Close(),
        ),
        _bad(
            "fields-20000",
            "20 000 fields",
            OK + b"".join(b"X-%d: v\r\n" % n for n in range(20000)) + LENGTH + END,
            Close(),
        ),
        AnswerCase(
            "bad.flood-1xx",
            "RFC 9110 15.2: an endless flood of interim answers",
            (Repeat(b"HTTP/1.1 102 X\r\n\r\n" * 1000, 200), Close()),
        ),
        AnswerCase(
            "bad.flood-103",
            "RFC 8297: an endless flood of early hints",
            (Repeat(b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n" * 1000, 100), Close()),
        ),
    ]


def _goods() -> list[AnswerCase]:
    return [
        _good("length", "RFC 9112 6.2", OK + LENGTH + END, reuse=True),
        _good(
            "length-0",
            "RFC 9112 6.2",
            OK + b"Content-Length: 0\r\n\r\n",
            body=b"",
            reuse=True,
        ),
        _good(
            "chunked",
            "RFC 9112 7.1",
            OK + CODED + b"\r\n" + chunked(b"ab", b"c"),
            reuse=True,
        ),
        _good(
            "chunked-extension",
            "RFC 9112 7.1.1",
            OK + CODED + b"\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
            reuse=True,
        ),
        _good(
            "chunked-trailer",
            "RFC 9110 6.5",
            OK + CODED + b"\r\n" + chunked(b"abc", trailers=b"X-T: a\r\n"),
            reuse=True,
        ),
        _good(
            "chunked-upper",
            "RFC 9112 7: case-insensitive",
            OK + b"Transfer-Encoding: Chunked\r\n\r\n" + chunked(b"abc"),
            reuse=True,
        ),
        _good(
            "chunked-to-10",
            "RFC 9112 6.1: no chunks to an HTTP/1.0 client",
            OK + CODED + b"\r\n" + chunked(b"ab", b"c"),
            reuse=True,
            version=b"1.0",
        ),
        _good(
            "close",
            "RFC 9112 6.3: the body ends with the connection",
            OK + END,
            Close(),
        ),
        _good(
            "close-empty",
            "RFC 9112 6.3: and may be empty",
            OK + b"\r\n",
            Close(),
            body=b"",
        ),
        _good(
            "close-slow",
            "RFC 9112 6.3: in pieces",
            OK + b"\r\na",
            Pause(0.1),
            Send(b"bc"),
            Close(),
        ),
        _good(
            "close-large",
            "RFC 9112 6.3: 1 MB",
            OK + b"\r\n" + b"z" * 1000000,
            Close(),
            body=b"z" * 1000000,
        ),
        _good(
            "close-to-10",
            "RFC 9112 6.3: to an HTTP/1.0 client",
            OK + END,
            Close(),
            version=b"1.0",
        ),
        _good(
            "10-length",
            "RFC 9112 2.3: an HTTP/1.0 server",
            b"HTTP/1.0 200 OK\r\n" + LENGTH + END,
            Close(),
        ),
        _good(
            "10-close",
            "RFC 9112 2.3: an HTTP/1.0 server, close-delimited",
            b"HTTP/1.0 200 OK\r\n" + END,
            Close(),
        ),
        _good(
            "no-reason",
            "RFC 9112 4: an empty reason",
            b"HTTP/1.1 200 \r\n" + LENGTH + END,
            reuse=True,
        ),
        _good(
            "8-bit-reason",
            "RFC 9112 4: obs-text in the reason",
            b"HTTP/1.1 200 \xc3\xa9\r\n" + LENGTH + END,
            reuse=True,
        ),
        _good(
            "8-bit-field",
            "RFC 9110 5.5: obs-text in a value",
            OK + b"X-A: \xc3\xa9\xff\r\n" + LENGTH + END,
            reuse=True,
            fields=((b"x-a", b"\xc3\xa9\xff"),),
        ),
        _good(
            "unknown-status",
            "RFC 9110 15: an unknown status",
            b"HTTP/1.1 299 X\r\n" + LENGTH + END,
            status=299,
            reuse=True,
        ),
        _good(
            "status-599",
            "RFC 9110 15: up to 599",
            b"HTTP/1.1 599 X\r\n" + LENGTH + END,
            status=599,
            reuse=True,
        ),
        _good(
            "cookies",
            "RFC 6265 3: Set-Cookie is never joined",
            OK + b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n" + LENGTH + END,
            reuse=True,
            fields=((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")),
        ),
        _good(
            "nominated",
            "RFC 9110 7.6.1: nominated fields are removed",
            OK + b"Connection: X-A\r\nX-A: b\r\nKeep-Alive: timeout=5\r\n" + LENGTH + END,
            reuse=True,
            absent=(b"x-a", b"keep-alive"),
        ),
        _good(
            "server-close",
            "RFC 9112 9.6: Connection: close of the server",
            OK + b"Connection: close\r\n" + LENGTH + END,
            Close(),
        ),
        _good("slow", "octet by octet", b"", Drip(OK + LENGTH + END, 1, 0.005), reuse=True),
        _good(
            "500-fields",
            "many fields",
            OK + b"".join(b"X-%d: v\r\n" % n for n in range(400)) + LENGTH + END,
            reuse=True,
        ),
        _good(
            "204",
            "RFC 9112 6.3: no body",
            b"HTTP/1.1 204 X\r\n\r\n",
            status=204,
            body=b"",
            reuse=True,
        ),
        _good(
            "304",
            "RFC 9112 6.3: no body",
            b'HTTP/1.1 304 X\r\nETag: "a"\r\n\r\n',
            status=304,
            body=b"",
            reuse=True,
        ),
        _good(
            "304-length",
            "RFC 9110 8.6: a 304 may name the length",
            b"HTTP/1.1 304 X\r\nContent-Length: 3\r\n\r\n",
            status=304,
            body=b"",
            reuse=True,
        ),
        _good(
            "head",
            "RFC 9110 9.3.2: no body to HEAD",
            OK + LENGTH + b"\r\n",
            body=b"",
            method=b"HEAD",
            reuse=True,
            fields=((b"content-length", b"3"),),
        ),
        _good(
            "head-chunked",
            "RFC 9112 6.1: HEAD with Transfer-Encoding",
            OK + CODED + b"\r\n",
            body=b"",
            method=b"HEAD",
            reuse=True,
        ),
        _good(
            "head-none",
            "RFC 9110 9.3.2: HEAD without length",
            OK + b"\r\n",
            body=b"",
            method=b"HEAD",
            reuse=True,
        ),
        _good(
            "head-404",
            "RFC 9110 9.3.2: HEAD, 404",
            b"HTTP/1.1 404 X\r\n" + LENGTH + b"\r\n",
            status=404,
            body=b"",
            method=b"HEAD",
            reuse=True,
        ),
        _good(
            "103",
            "RFC 8297: early hints are forwarded",
            b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n" + OK + LENGTH + END,
            interim=(103,),
            reuse=True,
        ),
        _good(
            "102-slow",
            "RFC 9110 15.2: interim answers are forwarded",
            b"HTTP/1.1 102 X\r\n\r\n",
            Pause(0.05),
            Send(OK + LENGTH + END),
            interim=(102,),
            reuse=True,
        ),
        _good(
            "three-interim",
            "RFC 9110 15.2: several",
            b"HTTP/1.1 103 X\r\n\r\n" * 3 + OK + LENGTH + END,
            interim=(103,) * 3,
            reuse=True,
        ),
        _good(
            "103-to-10",
            "RFC 9110 15.2: never to an HTTP/1.0 client",
            b"HTTP/1.1 103 X\r\n\r\n" + OK + LENGTH + END,
            reuse=True,
            version=b"1.0",
        ),
    ]


def _left_overs() -> list[AnswerCase]:
    """The message is right, but more comes behind it: the server connection is destroyed."""
    extra = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    return [
        _good(
            "extra-answer",
            "RFC 9112 9.3: an answer nobody asked for",
            OK + LENGTH + END + extra,
        ),
        _good(
            "extra-garbage",
            "RFC 9112 6.3: octets behind the body",
            OK + LENGTH + END + b"xyz",
        ),
        _good(
            "extra-later",
            "RFC 9112 9.3: the same, later",
            OK + LENGTH + END,
            Pause(0.1),
            Send(extra),
        ),
        _good(
            "extra-chunked",
            "RFC 9112 7.1: behind the last chunk",
            OK + CODED + b"\r\n" + chunked(b"abc") + extra,
        ),
        _good(
            "extra-head",
            "RFC 9110 9.3.2: a body to HEAD",
            OK + LENGTH + END,
            body=b"",
            method=b"HEAD",
        ),
        _good(
            "extra-204",
            "RFC 9112 6.3: a body to 204",
            b"HTTP/1.1 204 X\r\n\r\nabc",
            status=204,
            body=b"",
        ),
        _good(
            "extra-304",
            "RFC 9112 6.3: a body to 304",
            b"HTTP/1.1 304 X\r\nContent-Length: 3\r\n\r\nabc",
            status=304,
            body=b"",
        ),
        _good(
            "extra-crlf",
            "RFC 9112 2.2: even an empty line",
            OK + LENGTH + END + b"\r\n",
        ),
    ]


CASES: tuple[AnswerCase, ...] = (*_bads(), *_goods(), *_left_overs())
ORDINARY = response(200, b"ordinary")
