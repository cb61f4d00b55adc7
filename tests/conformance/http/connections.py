"""What belongs to one connection: Connection, Upgrade, Expect, pipelining (RFC 9112 9, RFC 9110 7.6, 7.8, 10.1.1)."""

from __future__ import annotations

from tests.conformance.http.model import Case, Want, either, forward, get, post, refuse

FIRST, SECOND = get(b"/1"), get(b"/2")
ONE, TWO = Want(targets=(b"/1",)), Want(targets=(b"/2",))
BODY = b"Content-Length: 3"


def _nominated() -> list[Case]:
    def gone(*names: bytes) -> Want:
        return Want(absent=names, fields=((b"x-stay", b"1"),))

    stay = b"X-Stay: 1"
    return [
        forward(
            "connection.close",
            "RFC 9112 9.6: close",
            get(b"/", stay, b"Connection: close"),
            gone(),
            keep=False,
        ),
        forward(
            "connection.close-case",
            "RFC 9110 7.6.1: options are case-insensitive",
            get(b"/", stay, b"Connection: CLOSE"),
            gone(),
            keep=False,
        ),
        forward(
            "connection.close-list",
            "RFC 9110 7.6.1: a list",
            get(b"/", stay, b"Connection: x-a, close", b"X-A: b"),
            gone(b"x-a"),
            keep=False,
        ),
        forward(
            "connection.close-second",
            "RFC 9110 7.6.1: the second field",
            get(b"/", stay, b"Connection: x-a", b"Connection: close", b"X-A: b"),
            gone(b"x-a"),
            keep=False,
        ),
        forward(
            "connection.close-keep-alive",
            "RFC 9112 9.3: close wins",
            get(b"/", stay, b"Connection: keep-alive, close"),
            gone(),
            keep=False,
        ),
        forward(
            "connection.keep-alive",
            "RFC 9112 9.3",
            get(b"/", stay, b"Connection: keep-alive", b"Keep-Alive: timeout=5"),
            gone(b"keep-alive"),
        ),
        forward(
            "connection.nominated",
            "RFC 9110 7.6.1: a nominated field is removed",
            get(b"/", stay, b"Connection: X-A", b"X-A: b"),
            gone(b"x-a"),
        ),
        forward(
            "connection.nominated-case",
            "RFC 9110 7.6.1: in any case",
            get(b"/", stay, b"Connection: x-A", b"X-a: b", b"x-A: c"),
            gone(b"x-a"),
        ),
        forward(
            "connection.nominated-before",
            "RFC 9110 7.6.1: wherever it stands",
            get(b"/", stay, b"X-A: b", b"Connection: X-A"),
            gone(b"x-a"),
        ),
        forward(
            "connection.nominated-list",
            "RFC 9110 7.6.1: all of a list",
            get(
                b"/",
                stay,
                b"Connection: X-A ,\tX-B,,X-C",
                b"X-A: b",
                b"X-B: c",
                b"X-C: d",
            ),
            gone(b"x-a", b"x-b", b"x-c"),
        ),
        forward(
            "connection.nominated-missing",
            "RFC 9110 7.6.1: nothing to remove",
            get(b"/", stay, b"Connection: X-None"),
            gone(b"x-none"),
        ),
        forward(
            "connection.empty",
            "RFC 9110 5.6.1: an empty list",
            get(b"/", stay, b"Connection:"),
            gone(),
        ),
        forward(
            "connection.proxy-connection",
            "RFC 9112 C.2.2: Proxy-Connection is not passed on",
            get(b"/", stay, b"Proxy-Connection: keep-alive"),
            gone(b"proxy-connection"),
        ),
        forward(
            "connection.te-trailers",
            "RFC 9110 10.1.4: TE: trailers is dropped or renewed",
            get(b"/", stay, b"Connection: TE", b"TE: trailers"),
            gone(),
        ),
        forward(
            "connection.te-alone",
            "RFC 9110 10.1.4: TE without Connection",
            get(b"/", stay, b"TE: gzip"),
            gone(b"te"),
        ),
        either(
            "connection.nominates-host",
            "RFC 9110 7.6.1: Host is never removed",
            get(b"/", stay, b"Connection: Host"),
            Want(fields=((b"host", b"a.example"), (b"x-stay", b"1"))),
        ),
        either(
            "connection.nominates-length",
            "RFC 9110 7.6.1: nor is Content-Length",
            post(b"abc", BODY, b"Connection: Content-Length"),
            Want(b"POST", body=b"abc"),
        ),
        either(
            "connection.nominates-te",
            "RFC 9110 7.6.1: nor is Transfer-Encoding",
            post(
                b"3\r\nabc\r\n0\r\n\r\n",
                b"Transfer-Encoding: chunked",
                b"Connection: Transfer-Encoding",
            ),
            Want(b"POST", body=b"abc"),
        ),
        either(
            "connection.nominates-connection",
            "RFC 9110 7.6.1: Connection itself",
            get(b"/", stay, b"Connection: Connection"),
            gone(),
        ),
        either(
            "connection.nominates-authorization",
            "RFC 9110 7.6.1: end-to-end fields are not to be nominated",
            get(b"/", stay, b"Connection: Authorization", b"Authorization: Basic eDp5"),
            Want(fields=((b"x-stay", b"1"),)),
        ),
        either(
            "connection.bad-option",
            "RFC 9110 7.6.1: no token",
            get(b"/", stay, b"Connection: a b"),
            gone(),
        ),
        forward(
            "connection.10-default",
            "RFC 9112 9.3: HTTP/1.0 closes",
            b"GET /1 HTTP/1.0\r\nHost: a.example\r\n\r\n",
            ONE,
            keep=False,
        ),
        refuse(
            "connection.10-pipelined",
            "RFC 9112 9.3: nothing behind an HTTP/1.0 request",
            b"GET /1 HTTP/1.0\r\nHost: a.example\r\n\r\n" + SECOND,
            wants=(ONE,),
            statuses={0},
        ),
        refuse(
            "connection.close-pipelined",
            "RFC 9112 9.6: nothing behind a request with close",
            get(b"/1", b"Connection: close") + SECOND,
            wants=(ONE,),
            statuses={0},
        ),
        forward("connection.11-pipelined", "RFC 9112 9.3.2", FIRST + SECOND, ONE, TWO),
    ]


def _upgrade() -> list[Case]:
    return [
        forward(
            "upgrade.refused-by-origin",
            "RFC 9110 7.8: an origin may ignore Upgrade",
            get(
                b"/",
                b"Connection: Upgrade",
                b"Upgrade: websocket",
                b"Sec-WebSocket-Version: 13",
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ),
            Want(fields=((b"sec-websocket-version", b"13"),)),
            keep=True,
        ),
        forward(
            "upgrade.not-nominated",
            "RFC 9110 7.8: Upgrade without Connection is not passed on",
            get(b"/", b"Upgrade: websocket"),
            Want(absent=(b"upgrade",)),
        ),
        either(
            "upgrade.h2c",
            "RFC 9113 3.1: h2c is obsolete and is not passed on",
            get(
                b"/",
                b"Connection: Upgrade, HTTP2-Settings",
                b"Upgrade: h2c",
                b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
            ),
            Want(absent=(b"upgrade", b"http2-settings")),
        ),
        either(
            "upgrade.h2c-in-a-list",
            "RFC 9113 3.1: nor behind another protocol",
            get(b"/", b"Connection: Upgrade", b"Upgrade: websocket, h2c"),
            Want(absent=(b"upgrade",)),
        ),
        either(
            "upgrade.with-body",
            "RFC 9110 7.8: Upgrade with content",
            post(b"abc", BODY, b"Connection: upgrade", b"Upgrade: x/1"),
            Want(b"POST", body=b"abc"),
            statuses={400, 501},
        ),
        refuse(
            "upgrade.early-bytes-cl-te",
            "RFC 9112 6.3: Upgrade changes nothing of framing",
            post(
                b"0\r\n\r\n",
                b"Connection: upgrade",
                b"Upgrade: websocket",
                b"Content-Length: 3",
                b"Transfer-Encoding: chunked",
            ),
        ),
        forward(
            "upgrade.10",
            "RFC 9110 7.8: Upgrade in HTTP/1.0 is ignored",
            b"GET / HTTP/1.0\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            Want(absent=(b"upgrade",)),
            keep=False,
        ),
    ]


def _expect() -> list[Case]:
    waits = post(b"", BODY, b"Expect: 100-continue")
    return [
        forward(
            "expect.continue-at-once",
            "RFC 9110 10.1.1: the client need not wait",
            waits + b"abc",
            Want(b"POST", body=b"abc"),
        ),
        forward(
            "expect.continue-case",
            "RFC 9110 10.1.1: case-insensitive",
            post(b"abc", BODY, b"eXpEcT: 100-Continue"),
            Want(b"POST", body=b"abc"),
        ),
        forward(
            "expect.continue-segments",
            "RFC 9110 10.1.1: body in a second segment",
            (waits, b"abc"),
            Want(b"POST", body=b"abc"),
        ),
        forward(
            "expect.continue-chunked",
            "RFC 9110 10.1.1: chunked",
            post(
                b"3\r\nabc\r\n0\r\n\r\n",
                b"Transfer-Encoding: chunked",
                b"Expect: 100-continue",
            ),
            Want(b"POST", body=b"abc"),
        ),
        forward(
            "expect.continue-no-body",
            "RFC 9110 10.1.1: without content",
            get(b"/", b"Expect: 100-continue"),
            Want(),
        ),
        refuse(
            "expect.unknown",
            "RFC 9110 10.1.1: 417",
            post(b"abc", BODY, b"Expect: cow"),
            statuses={417},
        ),
        refuse(
            "expect.unknown-get",
            "RFC 9110 10.1.1: 417",
            get(b"/", b"Expect: 200-ok"),
            statuses={417},
        ),
        refuse(
            "expect.list",
            "RFC 9110 10.1.1: one of a list is unknown",
            post(b"abc", BODY, b"Expect: 100-continue, cow"),
            statuses={417},
        ),
        refuse(
            "expect.parameter",
            "RFC 9110 10.1.1: unknown parameter",
            post(b"abc", BODY, b"Expect: 100-continue;a=b"),
            statuses={417},
        ),
        refuse(
            "expect.prefix",
            "RFC 9110 10.1.1: almost",
            post(b"abc", BODY, b"Expect: 100-continued"),
            statuses={417},
        ),
        refuse(
            "expect.two-unknown",
            "RFC 9110 10.1.1: the second is unknown",
            post(b"abc", BODY, b"Expect: 100-continue", b"Expect: cow"),
            statuses={417},
        ),
        either(
            "expect.empty",
            "RFC 9110 5.6.1: an empty list",
            post(b"abc", BODY, b"Expect:"),
            Want(b"POST", body=b"abc"),
            statuses={400, 417},
        ),
        either(
            "expect.10",
            "RFC 9110 10.1.1: ignored in HTTP/1.0",
            b"POST / HTTP/1.0\r\nHost: a.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
            Want(b"POST", body=b"abc"),
            statuses={417},
            keep=False,
        ),
    ]


def _pipelines() -> list[Case]:
    ten = b"".join(get(b"/%d" % number) for number in range(10))
    all_ten = tuple(Want(targets=(b"/%d" % number,)) for number in range(10))
    bad = {
        "line": b"GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "host": b"GET / HTTP/1.1\r\n\r\n",
        "fold": get(b"/", b"X-A: a\r\n b"),
        "cl-te": post(b"0\r\n\r\n", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        "lf": b"GET / HTTP/1.1\nHost: a.example\n\n",
        "garbage": b"\x00\xff\x00\xff\r\n\r\n",
        "length": post(b"abc", b"Content-Length: +3"),
        "climb": get(b"/../x"),
        "09": b"GET /\r\n",
        "length-twice": post(b"abc", BODY, BODY),
    }
    codes = {400, 505}
    return [
        forward(
            "pipeline.ten",
            "RFC 9112 9.3.2: ten in one segment, answered in order",
            ten,
            *all_ten,
        ),
        forward(
            "pipeline.ten-bytewise",
            "RFC 9112 9.3.2: cut at odd places",
            tuple(ten[at : at + 7] for at in range(0, len(ten), 7)),
            *all_ten,
        ),
        forward(
            "pipeline.mixed",
            "RFC 9112 9.3.2: bodies between",
            FIRST
            + post(b"abc", BODY)
            + post(b"3\r\nabc\r\n0\r\n\r\n", b"Transfer-Encoding: chunked")
            + SECOND,
            ONE,
            Want(b"POST", body=b"abc"),
            Want(b"POST", body=b"abc"),
            TWO,
        ),
        forward(
            "pipeline.empty-line-between",
            "RFC 9112 2.2: one CRLF behind a body is ignored",
            post(b"abc", BODY) + b"\r\n" + SECOND,
            Want(b"POST", body=b"abc"),
            TWO,
        ),
        forward("pipeline.fifty", "RFC 9112 9.3.2: fifty", FIRST * 50, *(ONE,) * 50),
        *(
            refuse(
                f"pipeline.good-then-{name}",
                "RFC 9112 9.3.2: the first is answered, the second refused",
                FIRST + raw,
                wants=(ONE,),
                statuses=codes,
            )
            for name, raw in bad.items()
        ),
        *(
            refuse(
                f"pipeline.{name}-then-good",
                "RFC 9112 9.3.2: nothing behind a refused request is answered",
                raw + FIRST,
                statuses=codes,
            )
            for name, raw in bad.items()
        ),
        refuse(
            "pipeline.good-bad-good",
            "RFC 9112 9.3.2: one answer, one refusal, nothing more",
            FIRST + bad["host"] + SECOND,
            wants=(ONE,),
        ),
        refuse(
            "pipeline.bad-then-good-later",
            "RFC 9112 9.6: also when it comes in a later segment",
            bad["fold"],
            FIRST,
        ),
        refuse(
            "pipeline.bad-many-good",
            "RFC 9112 9.6: also when much comes behind",
            bad["cl-te"] + FIRST * 1000,
        ),
        refuse(
            "pipeline.longer-than-length",
            "RFC 9112 6.3: octets behind the body are the next request line",
            post(b"abcdef", BODY),
            wants=(Want(b"POST", body=b"abc"),),
            fin=True,
            statuses={0, 400},
        ),
        refuse(
            "pipeline.body-of-get",
            "RFC 9112 6.3: a body without length is the next request",
            get(b"/1") + b"abc=def\r\n\r\n",
            wants=(ONE,),
        ),
        refuse(
            "pipeline.expect-then-good",
            "RFC 9110 10.1.1: nothing behind a 417",
            post(b"abc", BODY, b"Expect: cow") + FIRST,
            statuses={417},
        ),
        refuse(
            "pipeline.414-then-good",
            "RFC 9112 3: nothing behind a 414",
            b"GET /" + b"p" * 65536 + b" HTTP/1.1\r\nHost: a.example\r\n\r\n" + FIRST,
            statuses={414},
        ),
        refuse(
            "pipeline.431-then-good",
            "RFC 6585 5: nothing behind a 431",
            get(b"/", b"X-A: " + b"v" * 65536) + FIRST,
            statuses={431},
        ),
        refuse(
            "pipeline.good-then-cut",
            "RFC 9112 8: the second is cut",
            FIRST + SECOND[:-4],
            wants=(ONE,),
            fin=True,
            statuses={0, 400, 408},
        ),
        forward(
            "pipeline.half-close",
            "RFC 9112 9.6: a client may close its side and still read",
            FIRST,
            ONE,
            fin=True,
            keep=False,
        ),
        forward(
            "pipeline.half-close-body",
            "RFC 9112 9.6: behind a body too",
            post(b"abc", BODY),
            Want(b"POST", body=b"abc"),
            fin=True,
            keep=False,
        ),
        forward(
            "pipeline.half-close-three",
            "RFC 9112 9.6: all three are answered",
            FIRST * 3,
            ONE,
            ONE,
            ONE,
            fin=True,
            keep=False,
        ),
        forward(
            "pipeline.bytewise",
            "RFC 9112 2.2: one octet at a time",
            tuple(bytes([byte]) for byte in FIRST),
            ONE,
        ),
        forward(
            "pipeline.split-crlf",
            "RFC 9112 2.2: cut inside each CRLF",
            tuple(part for piece in FIRST.split(b"\r\n")[:-1] for part in (piece + b"\r", b"\n")),
            ONE,
        ),
    ]


def _methods_and_loops() -> list[Case]:
    """TRACE, Max-Forwards, Via (RFC 9110 7.6.2, 7.6.3, 9.3.8)."""
    head = b" / HTTP/1.1\r\nHost: a.example\r\n"
    return [
        either(
            "trace.plain",
            "RFC 9110 9.3.8: TRACE may be refused",
            b"TRACE" + head + b"\r\n",
            Want(b"TRACE"),
            statuses={400, 403, 405, 501},
        ),
        refuse(
            "trace.body",
            "RFC 9110 9.3.8: no content in a TRACE",
            b"TRACE" + head + b"Content-Length: 3\r\n\r\nabc",
            statuses={400, 403, 405, 413, 501},
        ),
        forward(
            "via.chain",
            "RFC 9110 7.6.3: Via of others is kept",
            get(b"/1", b"X-A: b", b"Via: 1.0 fred"),
            ONE,
        ),
        forward(
            "max-forwards.large",
            "RFC 9110 7.6.2: more than a recipient supports is legal",
            b"OPTIONS /1 HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 99999999999\r\n\r\n",
            Want(b"OPTIONS", (b"/1",)),
        ),
        forward(
            "forwarded.underscores",
            "RFC 3875 4.1.18: a CGI script would believe them to be ours",
            get(
                b"/1",
                b"X_Forwarded_For: 1.2.3.4",
                b"X-Forwarded_For: 1.2.3.4",
                b"X_Forwarded_Proto: https",
                b"X_Forwarded-Host: b.example",
                b"X_Request_Id: 7",
            ),
            Want(
                targets=(b"/1",),
                absent=(
                    b"x_forwarded_for",
                    b"x-forwarded_for",
                    b"x_forwarded_proto",
                    b"x_forwarded-host",
                    b"x_request_id",
                ),
            ),
        ),
        forward(
            "forwarded.underscores-in-trailer",
            "RFC 9110 6.5.1: nor from a trailer",
            b"POST /1 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\nX_Forwarded_For: 1.2.3.4\r\nX-Sum: 1\r\n\r\n",
            Want(b"POST", (b"/1",), trailers=((b"x-sum", b"1"),)),
        ),
        forward(
            "forwarded.large",
            "a long X-Forwarded-For",
            get(b"/1", b"X-Forwarded-For: " + b"192.0.2.1, " * 300 + b"192.0.2.2"),
            ONE,
        ),
    ]


CASES = [*_nominated(), *_upgrade(), *_expect(), *_pipelines(), *_methods_and_loops()]
