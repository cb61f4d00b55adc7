"""Request lines: method, target, version, white space, length (RFC 9112 section 3, RFC 9110 section 9)."""

from __future__ import annotations

from tests.conformance.http.model import Case, Want, either, forward, get, refuse

HOST = b"Host: a.example\r\n\r\n"
HOST_FIELD = ((b"host", b"a.example"),)


def line(raw: bytes, end: bytes = b"\r\n") -> bytes:
    return raw + end + HOST


def _methods() -> list[Case]:
    tokens = (
        b"GET HEAD POST PUT DELETE OPTIONS PATCH PROPFIND M-SEARCH get Get PURGE QUERY A TRACE1 BREW".split()
    )
    good = [
        forward(
            f"method.good-{token.decode()}",
            "RFC 9110 9.1: any token, case-sensitive",
            line(b"%s / HTTP/1.1" % token),
            Want(token),
        )
        for token in tokens
        if token != b"HEAD"
    ]
    for number, char in enumerate(b"!#$%&'*+-.^_`|~"):
        method = b"X%cY" % char
        good.append(
            forward(
                f"method.tchar-{number:02}",
                f"RFC 9110 5.6.2: tchar {chr(char)}",
                line(b"%s / HTTP/1.1" % method),
                Want(method),
            )
        )
    bad = [
        refuse(
            f"method.delimiter-{number:02}",
            f"RFC 9110 5.6.2: {char:#04x} is no tchar",
            line(b"G%cT / HTTP/1.1" % char),
        )
        for number, char in enumerate(b'"(),/:;<=>?@[\\]{}\x00\x01\x0b\x0c\x1b\x7f\x80\xff')
    ]
    return [
        *good,
        *bad,
        either(
            "method.long-64",
            "RFC 9112 3: a method longer than any known may get 501",
            line(b"M" * 64 + b" / HTTP/1.1"),
            Want(b"M" * 64),
            statuses={501},
        ),
        refuse("method.empty", "RFC 9112 3: method is missing", line(b" / HTTP/1.1")),
        refuse(
            "method.tab-inside",
            "RFC 9112 3: SP is the only delimiter",
            line(b"G\tET / HTTP/1.1"),
        ),
        refuse(
            "method.quoted",
            "RFC 9110 5.6.2: a token has no quotes",
            line(b'"GET" / HTTP/1.1'),
        ),
        refuse(
            "method.connect-authority",
            "RFC 9110 9.3.6: no tunnels by default",
            b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
            statuses={400, 405, 501},
        ),
        refuse(
            "method.connect-path",
            "RFC 9112 3.2.3: CONNECT takes authority-form",
            line(b"CONNECT / HTTP/1.1"),
            statuses={400, 405, 501},
        ),
        refuse(
            "method.connect-no-port",
            "RFC 9110 9.3.6: port is required",
            line(b"CONNECT a.example HTTP/1.1"),
            statuses={400, 405, 501},
        ),
        refuse(
            "method.connect-then-get",
            "RFC 9110 9.3.6: bytes behind a refused CONNECT are no request",
            b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n" + get(b"/behind"),
            statuses={400, 405, 501},
        ),
        refuse(
            "method.connect-body",
            "RFC 9110 9.3.6: a refused CONNECT with length",
            b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nContent-Length: 3\r\n\r\nabc",
            statuses={400, 405, 501},
        ),
    ]


def _space() -> list[Case]:
    shapes = {
        "double-after-method": b"GET  / HTTP/1.1",
        "double-after-target": b"GET /  HTTP/1.1",
        "tab-after-method": b"GET\t/ HTTP/1.1",
        "tab-after-target": b"GET /\tHTTP/1.1",
        "leading": b" GET / HTTP/1.1",
        "leading-tab": b"\tGET / HTTP/1.1",
        "trailing": b"GET / HTTP/1.1 ",
        "trailing-tab": b"GET / HTTP/1.1\t",
        "vt": b"GET\x0b/ HTTP/1.1",
        "ff": b"GET /\x0cHTTP/1.1",
        "cr-between": b"GET\r/ HTTP/1.1",
        "lf-between": b"GET\n/ HTTP/1.1",
        "nbsp": b"GET\xa0/ HTTP/1.1",
        "none-after-target": b"GET /HTTP/1.1",
        "four-parts": b"GET / x HTTP/1.1",
        "only-method": b"GET",
        "only-crlf-method": b"GET ",
    }
    return [
        refuse(
            f"line.space-{name}",
            "RFC 9112 3: one SP between the parts, nothing else",
            line(raw),
        )
        for name, raw in shapes.items()
    ]


def _ends() -> list[Case]:
    want = Want(fields=HOST_FIELD)
    return [
        forward(
            "line.one-empty-line",
            "RFC 9112 2.2: one empty line in front is ignored",
            b"\r\n" + get(),
            want,
        ),
        forward(
            "line.one-empty-line-split",
            "RFC 9112 2.2: the same in pieces",
            (b"\r", b"\n", get()),
            want,
        ),
        refuse("line.lf-in-front", "RFC 9112 2.2: a bare LF is refused here", b"\n" + get()),
        refuse("line.cr-in-front", "RFC 9112 2.2: a bare CR is no line end", b"\r" + get()),
        refuse(
            "line.space-crlf-in-front",
            "RFC 9112 2.2: only CRLF may stand in front",
            b" \r\n" + get(),
        ),
        refuse("line.nul-in-front", "RFC 9112 2.2: NUL", b"\x00" + get()),
        refuse(
            "line.lf-end",
            "RFC 9112 2.2: bare LF after the request line",
            line(b"GET / HTTP/1.1", b"\n"),
        ),
        refuse(
            "line.cr-end",
            "RFC 9112 2.2: bare CR after the request line",
            line(b"GET / HTTP/1.1", b"\r"),
        ),
        refuse(
            "line.crcrlf-end",
            "RFC 9112 2.2: CR CR LF",
            line(b"GET / HTTP/1.1", b"\r\r\n"),
        ),
        refuse("line.lfcr-end", "RFC 9112 2.2: LF CR", line(b"GET / HTTP/1.1", b"\n\r")),
        refuse(
            "line.lf-everywhere",
            "RFC 9112 2.2: bare LF everywhere",
            b"GET / HTTP/1.1\nHost: a.example\n\n",
        ),
        refuse(
            "line.tls-hello",
            "RFC 9112 3: TLS on a clear port",
            b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x00" * 40,
            fin=True,
        ),
        refuse("line.ssh", "RFC 9112 3: another protocol", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        refuse(
            "line.response",
            "RFC 9112 3: a response is no request",
            b"HTTP/1.1 200 OK\r\nHost: a.example\r\n\r\n",
        ),
        refuse(
            "line.proxy-v1",
            "PROXY protocol where it is not configured",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\n" + get(),
        ),
        refuse(
            "line.proxy-v2",
            "PROXY protocol v2 where it is not configured",
            b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12) + get(),
        ),
        refuse("line.smtp", "RFC 9112 3: another protocol", b"EHLO a.example\r\n\r\n"),
    ]


def _versions() -> list[Case]:
    text = {
        "http09": (b"GET /", {400, 505}),
        "http09-crlf": (b"GET / ", {400, 505}),
        "lower": (b"GET / http/1.1", {400, 505}),
        "mixed": (b"GET / Http/1.1", {400, 505}),
        "no-minor": (b"GET / HTTP/1", {400, 505}),
        "no-minor-dot": (b"GET / HTTP/1.", {400, 505}),
        "two-digits-minor": (b"GET / HTTP/1.10", {400, 505}),
        "two-digits-major": (b"GET / HTTP/01.1", {400, 505}),
        "no-major": (b"GET / HTTP/.1", {400, 505}),
        "comma": (b"GET / HTTP/1,1", {400, 505}),
        "plus": (b"GET / HTTP/+1.1", {400, 505}),
        "minus": (b"GET / HTTP/1.-1", {400, 505}),
        "space-inside": (b"GET / HTTP/ 1.1", {400, 505}),
        "space-dot": (b"GET / HTTP/1 .1", {400, 505}),
        "letters": (b"GET / HTTP/a.b", {400, 505}),
        "name": (b"GET / HTTQ/1.1", {400, 505}),
        "https": (b"GET / HTTPS/1.1", {400, 505}),
        "icap": (b"GET / ICAP/1.0", {400, 505}),
        "rtsp": (b"GET / RTSP/1.0", {400, 505}),
        "three-parts": (b"GET / HTTP/1.1.1", {400, 505}),
        "suffix": (b"GET / HTTP/1.1x", {400, 505}),
        "nul": (b"GET / HTTP/1.1\x00", {400, 505}),
        "hex": (b"GET / HTTP/0x1.1", {400, 505}),
        "backslash": (b"GET / HTTP\\1.1", {400, 505}),
        "arabic-digit": (b"GET / HTTP/\xd9\xa1.1", {400, 505}),
        "major-0": (b"GET / HTTP/0.9", {400, 505}),
        "major-0-minor-1": (b"GET / HTTP/0.1", {400, 505}),
        "major-2": (b"GET / HTTP/2.0", {505}),
        "major-3": (b"GET / HTTP/3.0", {505}),
        "major-9": (b"GET / HTTP/9.9", {505}),
    }
    bad = [
        refuse(
            f"version.{name}",
            "RFC 9112 2.3: HTTP/DIGIT.DIGIT, major 1",
            line(raw),
            statuses=statuses,
        )
        for name, (raw, statuses) in text.items()
    ]
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    return [
        *bad,
        refuse(
            "version.http09-bare",
            "RFC 9112 3: HTTP/0.9 has no version",
            b"GET /\r\n",
            statuses={400, 505},
        ),
        refuse(
            "version.http09-lf",
            "RFC 9112 3: HTTP/0.9 by hand",
            b"GET /\n",
            statuses={400, 505},
        ),
        refuse(
            "version.h2-preface",
            "RFC 9113 3.4: HTTP/2 on a clear HTTP/1 port",
            preface,
            statuses={400, 505},
        ),
        refuse(
            "version.h2-preface-frames",
            "RFC 9113 3.4: with a SETTINGS frame",
            preface + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
            statuses={400, 505},
        ),
        refuse(
            "version.h2-preface-cut",
            "RFC 9113 3.4: half a preface",
            b"PRI * HTTP/2.0\r\n\r\nSM",
            statuses={400, 505},
            fin=True,
        ),
        forward(
            "version.1-0",
            "RFC 9112 2.3: HTTP/1.0 with Host",
            line(b"GET /v10 HTTP/1.0"),
            Want(targets=(b"/v10",), fields=HOST_FIELD),
            keep=False,
        ),
        forward(
            "version.1-2",
            "RFC 9110 2.5: a higher minor version is processed as 1.1",
            line(b"GET /v12 HTTP/1.2"),
            Want(targets=(b"/v12",), fields=HOST_FIELD),
        ),
        forward(
            "version.1-9",
            "RFC 9110 2.5: a higher minor version is processed as 1.1",
            line(b"GET /v19 HTTP/1.9"),
            Want(targets=(b"/v19",), fields=HOST_FIELD),
        ),
        refuse(
            "version.1-2-no-host",
            "RFC 9112 3.2: Host is required from 1.1 on",
            b"GET / HTTP/1.2\r\n\r\n",
        ),
    ]


def _lengths() -> list[Case]:
    path = b"/" + b"p" * (8000 - len(b"GET / HTTP/1.1"))
    query = b"/?" + b"q" * 7000
    return [
        forward(
            "length.line-8000",
            "RFC 9112 3: 8000 octets at least",
            line(b"GET %s HTTP/1.1" % path),
            Want(targets=(path,)),
        ),
        forward(
            "length.query-7000",
            "RFC 9112 3: a long query",
            line(b"GET %s HTTP/1.1" % query),
            Want(targets=(query,)),
        ),
        refuse(
            "length.line-64k",
            "RFC 9112 3: 414",
            line(b"GET /" + b"p" * 65536 + b" HTTP/1.1"),
            statuses={414},
        ),
        refuse(
            "length.line-1m",
            "RFC 9112 3: 414",
            line(b"GET /" + b"p" * (1 << 20) + b" HTTP/1.1"),
            statuses={414},
        ),
        refuse(
            "length.line-64k-no-end",
            "RFC 9112 3: 414 before the end is seen",
            b"GET /" + b"p" * 65536,
            statuses={414},
        ),
        refuse(
            "length.method-64k",
            "RFC 9112 3: an endless method",
            b"G" * 65536,
            statuses={400, 414, 501},
        ),
        refuse(
            "length.spaces-64k",
            "RFC 9112 3: an endless delimiter",
            b"GET " + b" " * 65536,
            statuses={400, 414},
        ),
        refuse(
            "length.version-64k",
            "RFC 9112 3: an endless version",
            b"GET / HTTP/1." + b"1" * 65536,
            statuses={400, 414, 505},
        ),
        refuse(
            "length.empty-lines-10000",
            "RFC 9112 2.2: at least one empty line is ignored, not any number",
            b"\r\n" * 10000 + get(),
            statuses={400, 414, 431},
        ),
    ]


CASES = [*_methods(), *_space(), *_ends(), *_versions(), *_lengths()]
