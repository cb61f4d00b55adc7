"""Where a body ends: Content-Length, Transfer-Encoding, chunks (RFC 9112 sections 6 and 7)."""

from __future__ import annotations

from tests.conformance.http.model import Case, Want, either, forward, get, post, refuse

ABC = Want(b"POST", body=b"abc")
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"
BEHIND = get(b"/behind")

BAD_LENGTHS = {
    "plus": b"+3",
    "minus": b"-3",
    "minus-zero": b"-0",
    "empty": b"",
    "only-space": b"  ",
    "hex": b"0x3",
    "float": b"3.0",
    "exponent": b"3e0",
    "letters": b"abc",
    "digits-letters": b"3a",
    "space-inside": b"1 0",
    "underscore": b"1_0",
    "list-equal": b"3, 3",
    "list-different": b"3, 5",
    "list-no-space": b"3,3",
    "list-empty-end": b"3,",
    "list-empty-front": b",3",
    "semicolon": b"3;",
    "quoted": b'"3"',
    "nul": b"3\x00",
    "huge-20": b"9" * 20,
    "huge-100": b"9" * 100,
    "int64": b"9223372036854775808",
    "uint64": b"18446744073709551616",
    "uint64-wrap": b"18446744073709551619",
    "arabic": b"\xd9\xa3",
    "fullwidth": b"\xef\xbc\x93",
    "latin-superscript": b"\xb3",
    "tab-inside": b"3\t3",
    "vt": b"\x0b3",
    "nbsp": b"\xa03",
    "octal-sign": b"0o3",
    "comma": b",",
    "parenthesis": b"(3)",
    "true": b"true",
    "chunked": b"chunked",
}
BAD_CODINGS = {
    # name: (value, statuses): 501 is right for codings we do not know, 400 for the rest.
    "identity": (b"identity", {400, 501}),
    "identity-chunked": (b"identity, chunked", {400, 501}),
    "chunked-identity": (b"chunked, identity", {400, 501}),
    "gzip": (b"gzip", {400, 501}),
    "gzip-chunked": (b"gzip, chunked", {400, 501}),
    "chunked-gzip": (b"chunked, gzip", {400, 501}),
    "unknown": (b"cow", {501}),
    "unknown-chunked": (b"cow, chunked", {400, 501}),
    "chunked-cow": (b"chunked, cow", {400, 501}),
    "xchunked": (b"xchunked", {400, 501}),
    "chunkedx": (b"chunkedx", {400, 501}),
    "chunked-chunked": (b"chunked, chunked", {400, 501}),
    "empty": (b"", {400, 501}),
    "comma": (b",", {400, 501}),
    "comma-front": (b", chunked", {400, 501}),
    "comma-end": (b"chunked,", {400, 501}),
    "parameter": (b"chunked;q=1", {400, 501}),
    "parameter-empty": (b"chunked;", {400, 501}),
    "quoted": (b'"chunked"', {400, 501}),
    "apostrophe": (b"'chunked'", {400, 501}),
    "space-inside": (b"chun ked", {400, 501}),
    "vt-front": (b"\x0bchunked", {400}),
    "vt-end": (b"chunked\x0b", {400}),
    "ff-front": (b"\x0cchunked", {400}),
    "nul-end": (b"chunked\x00", {400}),
    "nul-inside": (b"chun\x00ked", {400}),
    "del-end": (b"chunked\x7f", {400}),
    "nbsp-front": (b"\xa0chunked", {400, 501}),
    "0x85-end": (b"chunked\x85", {400, 501}),
    "8-bit": (b"\xffchunked", {400, 501}),
    "cr-front": (b"\rchunked", {400}),
    "cr-end": (b"chunked\r", {400}),
    "lf-front": (b"\nchunked", {400}),
    "fold-front": (b"\r\n chunked", {400}),
    "fold-end": (b"chunked\r\n ", {400}),
    "colon": (b": chunked", {400, 501}),
    "backslash": (b"chunked\\", {400, 501}),
    "slash": (b"chunked/1.0", {400, 501}),
    "kelvin": (b"chun\xe2\x84\xaaed", {400, 501}),
    "deflate": (b"deflate", {400, 501}),
    "compress": (b"compress", {400, 501}),
    "chunk": (b"chunk", {400, 501}),
}
BAD_NAMES = {
    "space-colon": b"Transfer-Encoding : chunked",
    "tab-colon": b"Transfer-Encoding\t: chunked",
    "space-front": b" Transfer-Encoding: chunked",
    "nul-name": b"Transfer-Encoding\x00: chunked",
    "vt-name": b"Transfer-Encoding\x0b: chunked",
    "cr-name": b"Transfer-Encoding\r: chunked",
    "lf-name": b"Transfer\n-Encoding: chunked",
    "dot-less-i": b"Transfer-Encod\xc4\xb1ng: chunked",
    "behind-fold": b"X-A: b\r\n Transfer-Encoding: chunked",
}
BAD_SIZES = {
    "empty": b"",
    "letter": b"g",
    "hex-prefix": b"0x3",
    "hex-prefix-upper": b"0X3",
    "plus": b"+3",
    "minus": b"-3",
    "minus-zero": b"-0",
    "space-front": b" 3",
    "tab-front": b"\t3",
    "space-inside": b"0 3",
    "underscore": b"0_3",
    "dot": b"3.0",
    "comma": b"3,3",
    "quoted": b'"3"',
    "nul-front": b"\x003",
    "nul-end": b"3\x00",
    "vt-end": b"3\x0b",
    "huge-17": b"1" + b"0" * 16,
    "huge-wrap": b"10000000000000003",
    "huge-100": b"f" * 100,
    "int64": b"8000000000000000",
    "uint64": b"ffffffffffffffff",
    "arabic": b"\xd9\xa3",
    "fullwidth": b"\xef\xbc\x93",
    "h-suffix": b"3h",
    "colon": b"3:",
    "equals": b"3=a",
    "semicolon-only": b";",
    "extension-only": b";a=b",
    "cr-end": b"3\r",
    "nbsp-end": b"3\xa0",
    "two-sizes": b"3 3",
}
GOOD_SIZES = {"plain": b"3", "zeros": b"0003", "zeros-16": b"0" * 15 + b"3"}
GOOD_EXTENSIONS = {
    "name": b"3;a",
    "value": b"3;a=b",
    "quoted": b'3;a="b c"',
    "two": b"3;a=b;c=d",
    "escaped": b'3;a="\\""',
    "semicolon-quoted": b'3;a="b;c"',
}
DOUBTFUL_EXTENSIONS = {
    # RFC 9112 7.1.1: BWS, bad white space, "MUST parse"; refused by a strict recipient without harm.
    "bws-before": b"3 ;a=b",
    "bws-after": b"3; a=b",
    "bws-equals": b"3;a = b",
    "tab-before": b"3\t;a",
    "space-end": b"3 ",
    "tab-end": b"3\t",
    "empty": b"3;",
    "empty-two": b"3;;",
    "no-name": b"3;=b",
    "quote-open": b'3;a="b',
    "8-bit": b"3;a=\xff",
    "space-in-value": b"3;a=b c",
    "leading-zeros-64": b"0" * 64 + b"3",
}
BAD_EXTENSIONS = {
    "cr": b"3;a\rb",
    "lf": b"3;a\nb",
    "nul": b"3;a\x00",
    "ctl": b"3;a\x01",
    "del": b"3;a=\x7f",
    "cr-quoted": b'3;a="\rb"',
    "lf-quoted": b'3;a="\nb"',
    "64k": b"3;" + b"a" * 65536,
}
BAD_BODIES = {
    "lf-size": b"3\nabc\r\n0\r\n\r\n",
    "lf-data": b"3\r\nabc\n0\r\n\r\n",
    "lf-last": b"3\r\nabc\r\n0\n\r\n",
    "lf-end": b"3\r\nabc\r\n0\r\n\n",
    "lf-all": b"3\nabc\n0\n\n",
    "cr-size": b"3\rabc\r\n0\r\n\r\n",
    "cr-data": b"3\r\nabc\r0\r\n\r\n",
    "crcr-data": b"3\r\nabc\r\r\n0\r\n\r\n",
    "no-crlf-data": b"3\r\nabc0\r\n\r\n",
    "two-bytes-data": b"3\r\nabcXX0\r\n\r\n",
    "longer": b"3\r\nabcd\r\n0\r\n\r\n",
    "shorter": b"4\r\nabc\r\n0\r\n\r\n",
    "extra-crlf": b"3\r\nabc\r\n\r\n0\r\n\r\n",
    "crlf-front": b"\r\n3\r\nabc\r\n0\r\n\r\n",
    "space-data": b"3\r\nabc \r\n0\r\n\r\n",
    "trailer-lf": b"3\r\nabc\r\n0\r\nX-T: a\n\r\n",
    "trailer-no-colon": b"3\r\nabc\r\n0\r\nX-T\r\n\r\n",
    "trailer-space-colon": b"3\r\nabc\r\n0\r\nX-T : a\r\n\r\n",
    "trailer-fold": b"3\r\nabc\r\n0\r\nX-T: a\r\n b\r\n\r\n",
    "trailer-nul": b"3\r\nabc\r\n0\r\nX-T: \x00\r\n\r\n",
    "trailer-empty-name": b"3\r\nabc\r\n0\r\n: a\r\n\r\n",
    "trailer-cr": b"3\r\nabc\r\n0\r\nX-T: a\rb\r\n\r\n",
    "trailer-space-line": b"3\r\nabc\r\n0\r\n \r\n\r\n",
    "trailer-request": b"3\r\nabc\r\n0\r\nGET /x HTTP/1.1\r\n\r\n",
    "plain": b"plain\r\n",
}
CUTS = {
    "no-chunk": b"",
    "half-size": b"3",
    "size-cr": b"3\r",
    "no-data": b"3\r\n",
    "half-data": b"3\r\nab",
    "no-data-crlf": b"3\r\nabc",
    "data-cr": b"3\r\nabc\r",
    "no-last": b"3\r\nabc\r\n",
    "last-half": b"3\r\nabc\r\n0",
    "last-cr": b"3\r\nabc\r\n0\r",
    "no-end": b"3\r\nabc\r\n0\r\n",
    "end-cr": b"3\r\nabc\r\n0\r\n\r",
    "in-trailer": b"3\r\nabc\r\n0\r\nX-T: a\r\n",
}


def _lengths() -> list[Case]:
    body = bytes(range(256)) * 300
    return [
        *(
            refuse(
                f"length.bad-{name}",
                "RFC 9110 8.6: 1*DIGIT",
                post(b"abc", b"Content-Length: " + value),
                statuses={400, 413} if name.startswith(("huge", "int", "uint")) else {400},
            )
            for name, value in BAD_LENGTHS.items()
        ),
        refuse(
            "length.two-equal",
            "RFC 9112 6.3: repeated Content-Length is refused here",
            post(b"abc", b"Content-Length: 3", b"Content-Length: 3"),
        ),
        refuse(
            "length.two-different",
            "RFC 9112 6.3",
            post(b"abc", b"Content-Length: 3", b"Content-Length: 5"),
        ),
        refuse(
            "length.two-case",
            "RFC 9112 6.3",
            post(b"abc", b"Content-Length: 3", b"content-length: 0"),
        ),
        refuse(
            "length.two-apart",
            "RFC 9112 6.3",
            post(b"abc", b"Content-Length: 0", b"X-A: b", b"Content-Length: 3"),
        ),
        refuse(
            "length.two-get",
            "RFC 9112 6.3: with GET as well",
            get(b"/", b"Content-Length: 0", b"Content-Length: 0"),
        ),
        refuse(
            "length.bad-get",
            "RFC 9110 8.6: with GET as well",
            get(b"/", b"Content-Length: x"),
        ),
        refuse(
            "length.bad-10",
            "RFC 9110 8.6: in HTTP/1.0 as well",
            b"POST / HTTP/1.0\r\nContent-Length: +3\r\n\r\nabc",
        ),
        refuse(
            "length.bad-head",
            "RFC 9110 8.6: with HEAD as well",
            b"HEAD / HTTP/1.1\r\nHost: a.example\r\nContent-Length: -1\r\n\r\n",
        ),
        forward("length.good", "RFC 9112 6.2", post(b"abc", b"Content-Length: 3"), ABC),
        forward(
            "length.zero",
            "RFC 9112 6.2",
            post(b"", b"Content-Length: 0"),
            Want(b"POST"),
        ),
        forward(
            "length.none-post",
            "RFC 9112 6.3: no length, no body",
            post(b""),
            Want(b"POST"),
        ),
        forward(
            "length.leading-zeros",
            "RFC 9110 8.6: 1*DIGIT may begin with 0",
            post(b"abc", b"Content-Length: 0003"),
            ABC,
        ),
        forward(
            "length.ows",
            "RFC 9112 5: OWS round the value",
            post(b"abc", b"Content-Length: \t 3 \t"),
            ABC,
        ),
        forward("length.name-case", "RFC 9110 5.1", post(b"abc", b"cOnTeNt-LeNgTh: 3"), ABC),
        forward(
            "length.split",
            "RFC 9112 6.2: in pieces",
            (post(b"", b"Content-Length: 3"), b"a", b"b", b"c"),
            ABC,
        ),
        forward(
            "length.get-body",
            "RFC 9110 9.3.1: a GET may carry content",
            get(b"/", b"Content-Length: 3") + b"abc",
            Want(body=b"abc"),
        ),
        forward(
            "length.delete-body",
            "RFC 9110 9.3.5: so may DELETE",
            b"DELETE / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc",
            Want(b"DELETE", body=b"abc"),
        ),
        forward(
            "length.binary",
            "all octets in a body",
            post(body, b"Content-Length: %d" % len(body)),
            Want(b"POST", body=body),
        ),
        forward(
            "length.like-request",
            "RFC 9112 6.3: a body that looks like a request",
            post(BEHIND, b"Content-Length: %d" % len(BEHIND)),
            Want(b"POST", body=BEHIND),
        ),
        forward(
            "length.then-next",
            "RFC 9112 9.3: the next request begins at the right octet",
            post(b"abc", b"Content-Length: 3") + BEHIND,
            ABC,
            Want(targets=(b"/behind",)),
        ),
        forward(
            "length.none-then-next",
            "RFC 9112 6.3: POST without length has no body",
            post(b"") + BEHIND,
            Want(b"POST"),
            Want(targets=(b"/behind",)),
        ),
        forward(
            "length.10",
            "RFC 9112 6.2: with HTTP/1.0",
            b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
            ABC,
            keep=False,
        ),
        refuse(
            "length.cut-0",
            "RFC 9112 8: the client leaves before the body",
            post(b"", b"Content-Length: 3"),
            statuses={0, 400, 408},
            partial=True,
            fin=True,
        ),
        refuse(
            "length.cut-2",
            "RFC 9112 8: the client leaves inside the body",
            post(b"ab", b"Content-Length: 3"),
            statuses={0, 400, 408},
            partial=True,
            fin=True,
        ),
        refuse(
            "length.cut-large",
            "RFC 9112 8: the client leaves inside a large body",
            post(b"a" * 99999, b"Content-Length: 100000"),
            statuses={0, 400, 408},
            partial=True,
            fin=True,
        ),
    ]


def _codings() -> list[Case]:
    return [
        *(
            refuse(
                f"coding.bad-{name}",
                "RFC 9112 6.1: exactly chunked",
                post(CHUNKS, b"Transfer-Encoding: " + value),
                statuses=statuses,
            )
            for name, (value, statuses) in BAD_CODINGS.items()
        ),
        *(
            refuse(
                f"coding.name-{name}",
                "RFC 9112 5.1: a disguised Transfer-Encoding",
                post(CHUNKS, raw),
            )
            for name, raw in BAD_NAMES.items()
        ),
        *(
            refuse(
                f"coding.name-{name}-cl",
                "RFC 9112 5.1: disguised, with Content-Length",
                post(CHUNKS, b"Content-Length: %d" % len(CHUNKS), raw),
            )
            for name, raw in BAD_NAMES.items()
        ),
        refuse(
            "coding.cl-te",
            "RFC 9112 6.3: Content-Length and Transfer-Encoding",
            post(CHUNKS, b"Content-Length: %d" % len(CHUNKS), CHUNKED),
        ),
        refuse(
            "coding.te-cl",
            "RFC 9112 6.3: the other order",
            post(CHUNKS, CHUNKED, b"Content-Length: 3"),
        ),
        refuse(
            "coding.cl-0-te",
            "RFC 9112 6.3: with length 0",
            post(CHUNKS, b"Content-Length: 0", CHUNKED),
        ),
        refuse(
            "coding.cl-te-identity",
            "RFC 9112 6.1",
            post(b"abc", b"Content-Length: 3", b"Transfer-Encoding: identity"),
            statuses={400, 501},
        ),
        refuse(
            "coding.cl-te-empty",
            "RFC 9112 6.1",
            post(b"abc", b"Content-Length: 3", b"Transfer-Encoding:"),
            statuses={400, 501},
        ),
        refuse(
            "coding.cl-te-cow",
            "RFC 9112 6.1",
            post(b"abc", b"Content-Length: 3", b"Transfer-Encoding: cow"),
            statuses={400, 501},
        ),
        refuse(
            "coding.te-cl-bad",
            "RFC 9112 6.3",
            post(CHUNKS, CHUNKED, b"Content-Length: x"),
        ),
        refuse(
            "coding.smuggle-cl-te",
            "RFC 9112 11.2: CL.TE",
            post(
                b"0\r\n\r\n" + BEHIND,
                b"Content-Length: %d" % (5 + len(BEHIND)),
                CHUNKED,
            ),
        ),
        refuse(
            "coding.smuggle-te-cl",
            "RFC 9112 11.2: TE.CL",
            post(
                b"5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n",
                b"Content-Length: 4",
                CHUNKED,
            ),
        ),
        refuse(
            "coding.two-equal",
            "RFC 9112 6.1: chunked twice",
            post(CHUNKS, CHUNKED, CHUNKED),
            statuses={400, 501},
        ),
        refuse(
            "coding.two-identity",
            "RFC 9112 6.1",
            post(CHUNKS, CHUNKED, b"Transfer-Encoding: identity"),
            statuses={400, 501},
        ),
        refuse(
            "coding.two-cow",
            "RFC 9112 6.1",
            post(CHUNKS, b"Transfer-Encoding: cow", CHUNKED),
            statuses={400, 501},
        ),
        refuse(
            "coding.two-empty",
            "RFC 9112 6.1",
            post(CHUNKS, CHUNKED, b"Transfer-Encoding:"),
            statuses={400, 501},
        ),
        refuse(
            "coding.10",
            "RFC 9112 6.1: with HTTP/1.0",
            b"POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
        ),
        refuse(
            "coding.10-keep-alive",
            "RFC 9112 6.1: with HTTP/1.0",
            b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
        ),
        refuse(
            "coding.10-cl",
            "RFC 9112 6.1: with HTTP/1.0 and a length",
            b"POST / HTTP/1.0\r\nContent-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
        ),
        refuse(
            "coding.get-cow",
            "RFC 9112 6.1: with GET",
            get(b"/", b"Transfer-Encoding: cow"),
            statuses={400, 501},
        ),
        forward("coding.good", "RFC 9112 7.1", post(CHUNKS, CHUNKED), ABC),
        forward(
            "coding.upper",
            "RFC 9112 7: names of codings are case-insensitive",
            post(CHUNKS, b"Transfer-Encoding: CHUNKED"),
            ABC,
        ),
        forward(
            "coding.mixed",
            "RFC 9112 7",
            post(CHUNKS, b"tRANSFER-eNCODING: cHuNkEd"),
            ABC,
        ),
        forward(
            "coding.no-space",
            "RFC 9112 5: OWS is optional",
            post(CHUNKS, b"Transfer-Encoding:chunked"),
            ABC,
        ),
        forward(
            "coding.ows",
            "RFC 9112 5: OWS round the value",
            post(CHUNKS, b"Transfer-Encoding: \t chunked \t "),
            ABC,
        ),
        forward(
            "coding.get-chunked",
            "RFC 9110 9.3.1: GET with content",
            get(b"/", CHUNKED) + CHUNKS,
            Want(body=b"abc"),
        ),
        forward(
            "coding.underscore",
            "RFC 9110 5.1: another name is another field",
            post(b"abc", b"Content-Length: 3", b"Transfer_Encoding: chunked"),
            ABC,
        ),
        forward(
            "coding.underscore-kept-here",
            "RFC 3875 4.1.18: a CGI script would take it for Transfer-Encoding",
            post(b"abc", b"Content-Length: 3", b"Transfer_Encoding: chunked", b"Content_Length: 9"),
            Want(b"POST", body=b"abc", absent=(b"transfer_encoding", b"content_length")),
        ),
        forward(
            "coding.content-encoding",
            "RFC 9110 8.4: Content-Encoding is end-to-end",
            post(b"abc", b"Content-Length: 3", b"Content-Encoding: gzip"),
            Want(b"POST", body=b"abc", fields=((b"content-encoding", b"gzip"),)),
        ),
    ]


def _chunks() -> list[Case]:
    def body(size: bytes) -> bytes:
        return post(size + b"\r\nabc\r\n0\r\n\r\n", CHUNKED)

    digits = b"0123456789abcdefABCDEF"
    return [
        *(
            refuse(
                f"chunk.size-{name}",
                "RFC 9112 7.1: 1*HEXDIG, bounded",
                body(size),
                partial=True,
                statuses={400, 413},
            )
            for name, size in BAD_SIZES.items()
        ),
        *(
            forward(f"chunk.good-{name}", "RFC 9112 7.1", body(size), ABC)
            for name, size in GOOD_SIZES.items()
        ),
        *(
            forward(
                f"chunk.extension-{name}",
                "RFC 9112 7.1.1: unknown extensions are ignored",
                body(size),
                ABC,
            )
            for name, size in GOOD_EXTENSIONS.items()
        ),
        *(
            either(
                f"chunk.doubtful-{name}",
                "RFC 9112 7.1.1: BWS and worse",
                body(size),
                ABC,
                partial=True,
            )
            for name, size in DOUBTFUL_EXTENSIONS.items()
        ),
        *(
            refuse(
                f"chunk.extension-bad-{name}",
                "RFC 9112 7.1.1: no such octet",
                body(size),
                partial=True,
                statuses={400, 413, 431},
            )
            for name, size in BAD_EXTENSIONS.items()
        ),
        *(
            refuse(
                f"chunk.bad-{name}",
                "RFC 9112 7.1: CRLF where the grammar has it",
                post(raw, CHUNKED),
                partial=True,
            )
            for name, raw in BAD_BODIES.items()
        ),
        *(
            refuse(
                f"chunk.cut-{name}",
                "RFC 9112 8: the client leaves inside the body",
                post(raw, CHUNKED),
                partial=True,
                fin=True,
                statuses={0, 400, 408},
            )
            for name, raw in CUTS.items()
        ),
        *(
            forward(
                f"chunk.digit-{code:c}",
                "RFC 9112 7.1: HEXDIG in both cases",
                post(
                    b"%c\r\n" % code + b"x" * int(chr(code), 16) + b"\r\n0\r\n\r\n"
                    if code != 0x30
                    else b"0\r\n\r\n",
                    CHUNKED,
                ),
                Want(b"POST", body=b"x" * int(chr(code), 16)),
            )
            for code in digits
            if chr(code) in "09afAF"
        ),
        forward(
            "chunk.empty",
            "RFC 9112 7.1: only the last chunk",
            post(b"0\r\n\r\n", CHUNKED),
            Want(b"POST"),
        ),
        forward(
            "chunk.last-zeros",
            "RFC 9112 7.1: last-chunk is 1*0",
            post(b"3\r\nabc\r\n000\r\n\r\n", CHUNKED),
            ABC,
        ),
        forward(
            "chunk.last-extension",
            "RFC 9112 7.1.1",
            post(b"3\r\nabc\r\n0;a=b\r\n\r\n", CHUNKED),
            ABC,
        ),
        forward(
            "chunk.three",
            "RFC 9112 7.1",
            post(b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", CHUNKED),
            ABC,
        ),
        forward(
            "chunk.crlf-data",
            "RFC 9112 7.1: CRLF inside data",
            post(b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", CHUNKED),
            Want(b"POST", body=b"\r\n0\r\n\r\n"),
        ),
        forward(
            "chunk.bytewise",
            "RFC 9112 7.1: in pieces of one octet",
            (post(b"", CHUNKED), *(bytes([byte]) for byte in CHUNKS)),
            ABC,
        ),
        forward(
            "chunk.large",
            "RFC 9112 7.1: 200 000 octets in one",
            post(b"30d40\r\n" + b"y" * 200000 + b"\r\n0\r\n\r\n", CHUNKED),
            Want(b"POST", body=b"y" * 200000),
        ),
        forward(
            "chunk.many",
            "RFC 9112 7.1: 5000 chunks of one octet",
            post(b"1\r\nz\r\n" * 5000 + b"0\r\n\r\n", CHUNKED),
            Want(b"POST", body=b"z" * 5000),
        ),
        forward(
            "chunk.trailer",
            "RFC 9110 6.5: trailers",
            post(b"3\r\nabc\r\n0\r\nX-T: a\r\n\r\n", CHUNKED),
            Want(b"POST", body=b"abc", trailers=((b"x-t", b"a"),)),
        ),
        forward(
            "chunk.trailer-two",
            "RFC 9110 6.5: trailers",
            post(b"3\r\nabc\r\n0\r\nX-T: a\r\nX-U:b\r\n\r\n", CHUNKED),
            Want(b"POST", body=b"abc", trailers=((b"x-t", b"a"), (b"x-u", b"b"))),
        ),
        forward(
            "chunk.then-next",
            "RFC 9112 9.3: the next request begins at the right octet",
            post(CHUNKS, CHUNKED) + BEHIND,
            ABC,
            Want(targets=(b"/behind",)),
        ),
        forward(
            "chunk.trailer-then-next",
            "RFC 9112 9.3: behind trailers too",
            post(b"0\r\nX-T: a\r\n\r\n", CHUNKED) + BEHIND,
            Want(b"POST"),
            Want(targets=(b"/behind",)),
        ),
        refuse(
            "chunk.bad-then-next",
            "RFC 9112 7.1: bytes behind a bad chunk are no request",
            post(b"x\r\n\r\n" + BEHIND, CHUNKED),
            partial=True,
        ),
        refuse(
            "chunk.late-bad",
            "RFC 9112 7.1: bad after a good chunk, in a later segment",
            post(b"3\r\nabc\r\n", CHUNKED),
            b"zz\r\n",
            partial=True,
            statuses={0, 400},
        ),
        refuse(
            "chunk.trailer-64k",
            "RFC 9110 6.5: endless trailers",
            post(b"0\r\nX-T: " + b"t" * 65536 + b"\r\n\r\n", CHUNKED),
            partial=True,
            statuses={400, 413, 431},
        ),
        refuse(
            "chunk.trailer-20000",
            "RFC 9110 6.5: endless trailers",
            post(b"0\r\n" + b"X-T: a\r\n" * 20000 + b"\r\n", CHUNKED),
            partial=True,
            statuses={400, 413, 431},
        ),
        either(
            "chunk.trailer-length",
            "RFC 9110 6.5.1: Content-Length is forbidden in trailers",
            post(b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n", CHUNKED),
            Want(b"POST", body=b"abc", trailers=()),
            partial=True,
        ),
        either(
            "chunk.trailer-te",
            "RFC 9110 6.5.1: so is Transfer-Encoding",
            post(b"3\r\nabc\r\n0\r\nTransfer-Encoding: cow\r\n\r\n", CHUNKED),
            Want(b"POST", body=b"abc", trailers=()),
            partial=True,
        ),
        either(
            "chunk.trailer-host",
            "RFC 9110 6.5.1: so is Host",
            post(b"3\r\nabc\r\n0\r\nHost: b.example\r\n\r\n", CHUNKED),
            Want(b"POST", body=b"abc", trailers=()),
            partial=True,
        ),
    ]


def _limits() -> list[Case]:
    large = 1 << 21
    return [
        refuse(
            "limit.length",
            "RFC 9110 15.5.14: 413 before the body is sent",
            post(b"", b"Content-Length: %d" % large),
            statuses={413},
            setting="limits",
        ),
        refuse(
            "limit.length-expect",
            "RFC 9110 10.1.1: 413 instead of 100",
            post(b"", b"Content-Length: %d" % large, b"Expect: 100-continue"),
            statuses={413},
            setting="limits",
        ),
        refuse(
            "limit.chunk-declared",
            "RFC 9110 15.5.14: one chunk that says it will be over the limit",
            post(b"200000\r\n" + b"a" * 4096, CHUNKED),
            statuses={408, 413},
            partial=True,
            setting="limits",
        ),
        refuse(
            "limit.chunk",
            "RFC 9110 15.5.14: one chunk over the limit",
            post(b"200000\r\n" + b"a" * 1500000, CHUNKED),
            statuses={413},
            partial=True,
            setting="limits",
        ),
        refuse(
            "limit.chunks",
            "RFC 9110 15.5.14: many chunks over the limit",
            post((b"1000\r\n" + b"a" * 4096 + b"\r\n") * 300, CHUNKED),
            statuses={413},
            partial=True,
            setting="limits",
        ),
        forward(
            "limit.exact",
            "exactly the limit passes",
            post(b"a" * (1 << 20), b"Content-Length: %d" % (1 << 20)),
            Want(b"POST", body=b"a" * (1 << 20)),
            setting="limits",
        ),
    ]


CASES = [*_lengths(), *_codings(), *_chunks(), *_limits()]
