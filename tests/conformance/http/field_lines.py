"""Field lines and Host (RFC 9112 section 5, RFC 9110 sections 5 and 7.2)."""

from __future__ import annotations

from tests.conformance.http.model import Case, Want, either, forward, get, refuse

BAD_LINES = {
    "no-colon": b"X-A",
    "no-colon-value": b"X-A b",
    "empty-name": b": b",
    "empty-name-space": b" : b",
    "space-before-colon": b"X-A : b",
    "tab-before-colon": b"X-A\t: b",
    "spaces-before-colon": b"X-A   : b",
    "space-inside-name": b"X A: b",
    "name-tab-inside": b"X\tA: b",
    "name-utf8": b"X-\xc3\xa9: b",
    "name-latin1": b"X-\xe9: b",
    "name-del": b"X-\x7f: b",
    "name-nul": b"X-\x00: b",
    "name-0x80": b"\x80: b",
    "value-nul": b"X-A: a\x00b",
    "value-nul-end": b"X-A: a\x00",
    "value-soh": b"X-A: \x01",
    "value-bel": b"X-A: a\x07b",
    "value-vt": b"X-A: a\x0bb",
    "value-ff": b"X-A: a\x0cb",
    "value-esc": b"X-A: \x1b[31m",
    "value-us": b"X-A: a\x1fb",
    "value-del": b"X-A: a\x7fb",
    "value-bs": b"X-A: \x08",
    "value-cr-inside": b"X-A: a\rb",
    "value-cr-end": b"X-A: a\r",
    "value-cr-name": b"X-A: a\rX-B: b",
    "value-cr-length": b"X-A: a\rContent-Length: 3",
    "value-lf-inside": b"X-A: a\nb",
    "value-lf-field": b"X-A: a\nX-B: b",
    "value-lf-length": b"X-A: a\nContent-Length: 3",
    "value-lf-te": b"X-A: a\nTransfer-Encoding: chunked",
    "fold-space": b"X-A: a\r\n b",
    "fold-tab": b"X-A: a\r\n\tb",
    "fold-empty": b"X-A:\r\n b",
    "fold-only-space": b"X-A: a\r\n ",
    "fold-twice": b"X-A: a\r\n b\r\n c",
    "fold-field": b"X-A: a\r\n Transfer-Encoding: chunked",
    "colon-only": b":",
    "lf-before": b"\nX-A: b",
    "space-length": b"Content-Length : 3",
    "null-line": b"\x00",
    "fullwidth-colon": b"X-A\xef\xbc\x9a b",
    "name-slash": b"X/A: b",
    "quoted-name": b'"X": b',
    "request-line": b"GET /x HTTP/1.1",
}
GOOD_LINES = {
    "plain": (b"X-A: b", b"b"),
    "no-space": (b"X-A:b", b"b"),
    "tab": (b"X-A:\tb", b"b"),
    "ows": (b"X-A: \t b \t ", b"b"),
    "empty": (b"X-A:", b""),
    "only-space": (b"X-A:   ", b""),
    "inner-spaces": (b"X-A: a  b\tc", b"a  b\tc"),
    "colon": (b"X-A: a:b", b"a:b"),
    "colon-first": (b"X-A::b", b":b"),
    "8-bit": (b"X-A: \xc3\xa9\xff\x80", b"\xc3\xa9\xff\x80"),
    "quotes": (b'X-A: "a, \\" b"', b'"a, \\" b"'),
    "delimiters": (b"X-A: (),/:;<=>?@[\\]{}", b"(),/:;<=>?@[\\]{}"),
    "name-upper": (b"X-A: UPPER", b"UPPER"),
    "percent": (b"X-A: %0d%0aX-B: c", b"%0d%0aX-B: c"),
    "long-4k": (b"X-A: " + b"v" * 4096, b"v" * 4096),
    "comma-list": (b"X-A: a, b,, c", b"a, b,, c"),
}
GOOD_HOSTS = {
    "name": b"a.example",
    "upper": b"A.Example",
    "port": b"a.example:8080",
    "ipv4": b"192.0.2.1",
    "ipv4-port": b"192.0.2.1:80",
    "ipv6": b"[2001:db8::1]",
    "ipv6-port": b"[2001:db8::1]:8080",
    "ipv6-loop": b"[::1]",
    "underscore": b"a_b.example",
    "hyphen": b"a-b.example",
    "dot-end": b"a.example.",
    "single": b"localhost",
    "digits": b"123",
    "punycode": b"xn--bcher-kva.example",
    "ipv6-v4": b"[::ffff:192.0.2.1]",
}
BAD_HOSTS = {
    "space": b"a b",
    "comma": b"a.example, b.example",
    "slash": b"a.example/",
    "path": b"a.example/x",
    "at": b"u@a.example",
    "userinfo": b"u:p@a.example",
    "scheme": b"http://a.example",
    "question": b"a.example?x",
    "hash": b"a.example#x",
    "backslash": b"a.example\\x",
    "quote": b'"a.example"',
    "apostrophe-tag": b"<script>",
    "soh": b"a\x01b",
    "nul": b"a\x00b",
    "del": b"a\x7f",
    "utf8": b"\xc3\xa9.example",
    "two-ports": b"a.example:80:80",
    "port-letters": b"a.example:http",
    "port-sign": b"a.example:+80",
    "port-minus": b"a.example:-1",
    "port-large": b"a.example:65536",
    "port-space": b"a.example: 80",
    "ipv6-naked": b"2001:db8::1",
    "ipv6-open": b"[::1",
    "ipv6-close": b"::1]",
    "ipv6-letters": b"[::g]",
    "ipv6-empty": b"[]",
    "ipv6-behind": b"[::1]x",
    "ipv6-zone": b"[fe80::1%25eth0]",
    "tab": b"a\tb",
    "escape-bad": b"a%zz",
    "caret": b"a^b",
    "pipe": b"a|b",
    "brace": b"{a}",
}
MANY = [b"X-%d: v" % number for number in range(500)]


def _host_count() -> list[Case]:
    line = b"GET / HTTP/1.1\r\n"
    return [
        refuse(
            "host.missing",
            "RFC 9112 3.2: a 1.1 request has a Host",
            line + b"X-A: b\r\n\r\n",
        ),
        refuse(
            "host.missing-no-fields",
            "RFC 9112 3.2: a 1.1 request has a Host",
            line + b"\r\n",
        ),
        refuse(
            "host.two-different",
            "RFC 9112 3.2: one Host",
            get(b"/", b"Host: b.example"),
        ),
        refuse("host.two-equal", "RFC 9112 3.2: one Host", get(b"/", b"Host: a.example")),
        refuse("host.two-case", "RFC 9112 3.2: one Host", get(b"/", b"hOST: a.example")),
        refuse("host.two-second-empty", "RFC 9112 3.2: one Host", get(b"/", b"Host:")),
        refuse(
            "host.two-apart",
            "RFC 9112 3.2: one Host",
            get(b"/", b"X-A: b", b"X-B: c", b"HOST: b.example"),
        ),
        refuse(
            "host.three",
            "RFC 9112 3.2: one Host",
            get(b"/", b"Host: a.example", b"Host: a.example"),
        ),
        refuse(
            "host.space-name",
            "RFC 9112 5.1: Host with a space before the colon",
            line + b"Host : a.example\r\n\r\n",
        ),
        refuse(
            "host.folded",
            "RFC 9112 5.2: Host on a folded line",
            line + b"Host:\r\n a.example\r\n\r\n",
        ),
        refuse(
            "host.first-folded",
            "RFC 9112 2.2: white space between start line and first field",
            line + b" Host: a.example\r\n\r\n",
        ),
        refuse(
            "host.first-folded-then-host",
            "RFC 9112 2.2: white space before the first field",
            line + b" X-A: b\r\nHost: a.example\r\n\r\n",
        ),
        refuse(
            "host.first-tab",
            "RFC 9112 2.2: tab before the first field",
            line + b"\tX-A: b\r\nHost: a.example\r\n\r\n",
        ),
        forward(
            "host.name-case",
            "RFC 9110 5.1: names are case-insensitive",
            line + b"hOsT: a.example\r\n\r\n",
            Want(fields=((b"host", b"a.example"),)),
        ),
        forward(
            "host.last",
            "RFC 9110 7.2: order is free",
            line + b"X-A: b\r\nHost: a.example\r\n\r\n",
            Want(fields=((b"host", b"a.example"), (b"x-a", b"b"))),
        ),
        forward(
            "host.10-missing",
            "RFC 9112 3.2: an HTTP/1.0 request may lack Host",
            b"GET /old HTTP/1.0\r\n\r\n",
            Want(targets=(b"/old",)),
            keep=False,
        ),
        refuse(
            "host.10-two",
            "RFC 9112 3.2: one Host in any version",
            b"GET / HTTP/1.0\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
        ),
        refuse(
            "host.10-bad",
            "RFC 9112 3.2: a valid Host in any version",
            b"GET / HTTP/1.0\r\nHost: a b\r\n\r\n",
        ),
        either(
            "host.empty",
            "RFC 9112 3.2: an empty Host is for targets without authority",
            get(b"/", host=b""),
            Want(),
        ),
        either(
            "host.port-empty",
            "RFC 3986 3.2.3: an empty port",
            get(b"/", host=b"a.example:"),
            Want(),
        ),
        either(
            "host.reg-name-sub-delims",
            "RFC 3986 3.2.2: sub-delims in a reg-name",
            get(b"/", host=b"a!$&'b"),
            Want(),
        ),
        either(
            "host.only-port", "RFC 3986 3.2.2: an empty reg-name with a port", get(b"/", host=b":80"), Want()
        ),
        either(
            "host.escaped-crlf",
            "RFC 3986 3.2.2: an escape stays an escape",
            get(b"/", host=b"a%0d%0ab"),
            Want(),
        ),
        either(
            "host.escaped",
            "RFC 3986 3.2.2: an escape in a reg-name",
            get(b"/", host=b"a%41b"),
            Want(),
        ),
    ]


def _counts() -> list[Case]:
    many = tuple((b"x-%d" % number, b"v") for number in range(500))
    return [
        forward(
            "fields.500",
            "500 fields are relayed",
            get(b"/", *MANY[:499]),
            Want(fields=many[:499]),
        ),
        forward(
            "fields.repeated",
            "RFC 9110 5.3: repeated fields keep their order",
            get(b"/", b"X-A: 1", b"X-B: 2", b"X-A: 3"),
            Want(fields=((b"x-a", b"1"), (b"x-a", b"3"), (b"x-b", b"2"))),
        ),
        forward(
            "fields.repeated-cookie",
            "RFC 9113 8.2.3: repeated Cookie",
            get(b"/", b"Cookie: a=1", b"Cookie: b=2"),
            Want(fields=((b"cookie", b"a=1"), (b"cookie", b"b=2"))),
        ),
        forward(
            "fields.tchars",
            "RFC 9110 5.6.2: any token is a name",
            get(b"/", b"!#$%&'*+-.^_`|~9z: v"),
            Want(fields=((b"!#$%&'*+-.^_`|~9z", b"v"),)),
        ),
        forward(
            "fields.one-letter",
            "RFC 9110 5.6.2: a short name",
            get(b"/", b"X:v"),
            Want(fields=((b"x", b"v"),)),
        ),
        forward(
            "fields.8k",
            "a field of 8 KB is relayed",
            get(b"/", b"X-A: " + b"v" * 8000),
            Want(fields=((b"x-a", b"v" * 8000),)),
        ),
        refuse(
            "fields.64k-value",
            "RFC 6585 5: 431",
            get(b"/", b"X-A: " + b"v" * 65536),
            statuses={431},
        ),
        refuse(
            "fields.1m-value",
            "RFC 6585 5: 431",
            get(b"/", b"X-A: " + b"v" * (1 << 20)),
            statuses={431},
        ),
        refuse(
            "fields.64k-name",
            "RFC 6585 5: 431",
            get(b"/", b"X" * 65536 + b": v"),
            statuses={400, 431},
        ),
        refuse(
            "fields.64k-no-end",
            "RFC 6585 5: 431 before the end is seen",
            b"GET / HTTP/1.1\r\nHost: a.example\r\nX-A: " + b"v" * 65536,
            statuses={431},
        ),
        refuse(
            "fields.1m-no-end",
            "RFC 6585 5: 431 before the end is seen",
            b"GET / HTTP/1.1\r\nHost: a.example\r\nX-A: " + b"v" * (1 << 20),
            statuses={431},
        ),
        refuse(
            "fields.20000",
            "RFC 6585 5: 431",
            get(b"/", *(b"X-%d: v" % n for n in range(20000))),
            statuses={431},
        ),
        refuse(
            "fields.20000-empty",
            "RFC 6585 5: 431",
            get(b"/", *(b"a:" for _ in range(20000))),
            statuses={431},
        ),
        refuse(
            "fields.1m-in-pieces",
            "RFC 6585 5: 431, slowly",
            b"GET / HTTP/1.1\r\nHost: a.example\r\n",
            *(b"X-%d: %s\r\n" % (n, b"v" * 16000) for n in range(64)),
            statuses={431},
        ),
    ]


def _ends() -> list[Case]:
    head = b"GET / HTTP/1.1\r\nHost: a.example\r\n"
    return [
        refuse("end.lf", "RFC 9112 2.2: bare LF ends the head", head + b"\n"),
        refuse("end.crcrlf", "RFC 9112 2.2: CR CR LF", head + b"\r\r\n"),
        refuse(
            "end.field-lf",
            "RFC 9112 2.2: bare LF after a field",
            b"GET / HTTP/1.1\r\nHost: a.example\n\r\n",
        ),
        refuse(
            "end.field-lf-lf",
            "RFC 9112 2.2: bare LF twice",
            b"GET / HTTP/1.1\r\nHost: a.example\n\n",
        ),
        refuse(
            "end.field-cr",
            "RFC 9112 2.2: bare CR after a field",
            b"GET / HTTP/1.1\r\nHost: a.example\rX-A: b\r\n\r\n",
        ),
        refuse(
            "end.space-line",
            "RFC 9112 5.2: a line of white space is a fold",
            head + b" \r\n\r\n",
        ),
        refuse(
            "end.cut-line",
            "RFC 9112 8: the client leaves inside the request line",
            b"GET / HT",
            fin=True,
            statuses={0, 400, 408},
        ),
        refuse(
            "end.cut-head",
            "RFC 9112 8: the client leaves inside the head",
            head,
            fin=True,
            statuses={0, 400, 408},
        ),
        refuse(
            "end.cut-name",
            "RFC 9112 8: the client leaves inside a name",
            head + b"X-",
            fin=True,
            statuses={0, 400, 408},
        ),
        refuse(
            "end.cut-crlf",
            "RFC 9112 8: the client leaves before the last LF",
            head + b"\r",
            fin=True,
            statuses={0, 400, 408},
        ),
    ]


CASES = [
    *(
        refuse(f"field.bad-{name}", "RFC 9112 5: no valid field line", get(b"/", raw))
        for name, raw in BAD_LINES.items()
    ),
    *(
        refuse(
            f"field.name-{code:02x}",
            f"RFC 9110 5.6.2: {code:#04x} in a name",
            get(b"/", b"X%cA: b" % code),
        )
        for code in b'"(),;<=>?@[\\]{}\x01\x1f'
    ),
    *(
        forward(
            f"field.good-{name}",
            "RFC 9112 5: legal, value passed without its white space",
            get(b"/", raw),
            Want(fields=((b"x-a", value),)),
        )
        for name, (raw, value) in GOOD_LINES.items()
    ),
    *(
        forward(
            f"host.good-{name}",
            "RFC 9110 7.2: legal Host, passed on",
            get(b"/", host=raw),
            Want(fields=((b"host", raw),)),
        )
        for name, raw in GOOD_HOSTS.items()
    ),
    *(
        refuse(f"host.bad-{name}", "RFC 9110 7.2: no uri-host [:port]", get(b"/", host=raw))
        for name, raw in BAD_HOSTS.items()
    ),
    *_host_count(),
    *_counts(),
    *_ends(),
]
