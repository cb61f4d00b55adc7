"""Request targets: four forms, and the octets in them (RFC 9112 3.2, RFC 3986)."""

from __future__ import annotations

from tests.conformance.http.model import Case, Want, either, forward, get, refuse

# Passed on as sent: the server, not the director, says what they mean (design 5).
LEGAL = {
    "root": b"/",
    "query": b"/?a=b&c=d",
    "empty-query": b"/?",
    "question-marks": b"/a?b?c??",
    "sub-delims": b"/!$&'()*+,;=:@",
    "unreserved": b"/aZ0-._~",
    "escape": b"/a%20b",
    "escape-lower": b"/%c3%a9",
    "escape-slash": b"/a%2Fb",
    "escape-percent": b"/100%25",
    "dot": b"/./a",
    "dots-inside": b"/a/../b",
    "dots-name": b"/..a/b..",
    "three-dots": b"/.../a",
    "double-slash-inside": b"/a//b",
    "trailing-slashes": b"/a//",
    "double-slash-front": b"//a/b",
    "colon": b"/a:b",
    "url-in-path": b"/http://b.example/x",
    "url-in-query": b"/?u=http://b.example/x%23y",
    "query-escape": b"/?a=%00%ff",
    "query-dots": b"/?a=/../../x",
    "brackets-escaped": b"/?a%5B%5D=1",
    "semicolon": b"/a;b=c/d",
    "escape-unreserved": b"/%61%7E",
    "escaped-dots-inside": b"/a/%2e%2e/b",
    "empty-segment-query": b"/?/../",
}
BAD = {
    "fragment": b"/a#b",
    "fragment-query": b"/?a#b",
    "fragment-empty": b"/#",
    "backslash": b"/a\\b",
    "backslash-front": b"\\a",
    "no-slash": b"a/b",
    "question-first": b"?a=b",
    "scheme-only": b"http:",
    "scheme-relative-path": b"http:/a",
    "empty-authority": b"http:///a",
    "absolute-port-only": b"http://:80/a",
    "userinfo": b"http://u@a.example/",
    "userinfo-password": b"http://u:p@a.example/",
    "absolute-bad-port": b"http://a.example:x/",
    "absolute-big-port": b"http://a.example:99999/",
    "absolute-space-port": b"http://a.example:%20/",
    "absolute-fragment": b"http://a.example/#x",
    "absolute-backslash": b"http://a.example\\@b.example/",
    "absolute-two-ports": b"http://a.example:80:80/",
    "absolute-open-bracket": b"http://[::1/",
    "absolute-bad-v6": b"http://[::g]/",
    "ftp": b"ftp://a.example/",
    "unknown-scheme": b"x://a.example/",
    "javascript": b"javascript:alert(1)",
    "mailto": b"mailto:a@b.example",
    "authority": b"a.example:80",
    "star-get": b"*",
    "star-path": b"*/a",
    "star-query": b"*?a",
    "nul": b"/a\x00b",
    "soh": b"/a\x01b",
    "tab": b"/a\tb",
    "vt": b"/a\x0bb",
    "del": b"/a\x7fb",
    "esc": b"/\x1b[0m",
    "cr": b"/a\rb",
    "lf": b"/a\nb",
    "utf8": b"/\xc3\xa9",
    "latin1": b"/\xe9",
    "0x80": b"/\x80",
    "0xff": b"/\xff",
    "query-utf8": b"/?a=\xc3\xa9",
    "query-del": b"/?a=\x7f",
    "query-nul": b"/?a=\x00",
    "escape-nul": b"/%00",
    "escape-nul-suffix": b"/a%00.png",
    "escape-short": b"/%4",
    "escape-end": b"/a%",
    "escape-not-hex": b"/%zz",
    "escape-half-hex": b"/%4g",
    "escape-double-percent": b"/%%41",
    "escape-unicode": b"/%u0041",
    "climb": b"/..",
    "climb-slash": b"/../",
    "climb-deep": b"/a/../../b",
    "climb-escaped": b"/%2e%2e/a",
    "climb-half-escaped": b"/.%2e/a",
    "climb-escaped-2": b"/a/%2E./%2e%2E/b",
    "climb-behind-dot": b"/./../a",
}

# Outside RFC 3986, yet sent by browsers every day.
DOUBTFUL = {
    "brackets-query": b"/?a[]=1",
    "quote": b'/"',
    "angle": b"/<a>",
    "caret": b"/a^b",
    "backtick": b"/`",
    "braces": b"/{a}",
    "pipe": b"/a|b",
    "query-bad-escape": b"/?a=%zz",
    "query-escape-end": b"/?a=%",
    "query-backslash": b"/?a=\\",
    "brackets-path": b"/a[0]",
}


def _absolute() -> list[Case]:
    def want(target: bytes, host: bytes, sent: bytes) -> Want:
        return Want(targets=(target, sent), fields=((b"host", host),))

    rows = {
        "plain": (b"http://b.example/x", b"/x", b"b.example"),
        "query": (b"http://b.example/x?y=z", b"/x?y=z", b"b.example"),
        "port": (b"http://b.example:8080/x", b"/x", b"b.example:8080"),
        "ipv4": (b"http://192.0.2.7/x", b"/x", b"192.0.2.7"),
        "ipv6": (b"http://[2001:db8::1]/x", b"/x", b"[2001:db8::1]"),
        "ipv6-port": (b"http://[2001:db8::1]:81/x", b"/x", b"[2001:db8::1]:81"),
        "scheme-upper": (b"HTTP://b.example/x", b"/x", b"b.example"),
    }
    cases = [
        forward(
            f"target.absolute-{name}",
            "RFC 9112 3.2.2: absolute-form overrides Host",
            get(sent, host=b"a.example"),
            want(path, host, sent),
        )
        for name, (sent, path, host) in rows.items()
    ]
    return [
        *cases,
        forward(
            "target.absolute-no-path",
            "RFC 9112 3.2.1: an empty path is sent as /",
            get(b"http://b.example", host=b"a.example"),
            Want(
                targets=(b"/", b"http://b.example", b"http://b.example/"),
                fields=((b"host", b"b.example"),),
            ),
        ),
        forward(
            "target.absolute-only-query",
            "RFC 9112 3.2.1: an empty path with a query",
            get(b"http://b.example?q", host=b"a.example"),
            Want(
                targets=(b"/?q", b"http://b.example?q", b"http://b.example/?q"),
                fields=((b"host", b"b.example"),),
            ),
        ),
        refuse(
            "target.absolute-no-host-field",
            "RFC 9112 3.2: Host is required even so",
            b"GET http://b.example/ HTTP/1.1\r\n\r\n",
        ),
        refuse(
            "target.absolute-two-hosts",
            "RFC 9112 3.2: one Host even so",
            get(b"http://b.example/", b"Host: b.example", host=b"b.example"),
        ),
        refuse(
            "target.absolute-bad-host-field",
            "RFC 9112 3.2: a valid Host even so",
            get(b"http://b.example/", host=b"a b"),
        ),
        refuse(
            "target.absolute-climb",
            "a path above the root",
            get(b"http://b.example/../x"),
        ),
        refuse("target.absolute-nul", "%00 in the path", get(b"http://b.example/%00")),
        forward(
            "target.star-options",
            "RFC 9112 3.2.4: asterisk-form with OPTIONS",
            b"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
            Want(b"OPTIONS", (b"*",)),
        ),
        refuse(
            "target.star-options-lower",
            "RFC 9112 3.2.4: methods are case-sensitive",
            b"options * HTTP/1.1\r\nHost: a.example\r\n\r\n",
        ),
        refuse(
            "target.star-post",
            "RFC 9112 3.2.4: with OPTIONS only",
            b"POST * HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n",
        ),
        refuse(
            "target.star-twice",
            "RFC 9112 3.2.4: exactly *",
            b"OPTIONS ** HTTP/1.1\r\nHost: a.example\r\n\r\n",
        ),
        refuse(
            "target.authority-options",
            "RFC 9112 3.2.3: authority-form is for CONNECT",
            b"OPTIONS a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n",
        ),
    ]


CASES = [
    *(
        forward(
            f"target.good-{name}",
            "RFC 3986 3.3: legal, passed on as sent",
            get(raw),
            Want(targets=(raw,)),
        )
        for name, raw in LEGAL.items()
    ),
    *(
        refuse(
            f"target.bad-{name}",
            "RFC 9112 3.2 with RFC 3986: no valid target",
            get(raw),
        )
        for name, raw in BAD.items()
    ),
    *(
        either(
            f"target.doubtful-{name}",
            "RFC 3986 3.3: not a pchar, often seen",
            get(raw),
            Want(targets=(raw,)),
        )
        for name, raw in DOUBTFUL.items()
    ),
    *_absolute(),
]
