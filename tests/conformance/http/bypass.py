"""Spellings of one denied path: what `path ^= /denied/` must catch (RFC 3986 section 6.2.2, design 5).

Each must be answered with 403 (the rule) or 400 (no path at all), and never reach a server.
"""

from __future__ import annotations

DENIED = "/denied/"
TARGETS: dict[str, bytes] = {
    "plain": b"/denied/x",
    "directory": b"/denied/",
    "query": b"/denied/x?a=b",
    "double-slash": b"//denied/x",
    "triple-slash": b"///denied/x",
    "dot": b"/./denied/x",
    "dot-twice": b"/././denied/x",
    "dot-dot": b"/a/../denied/x",
    "dot-dot-deep": b"/a/b/../../denied/x",
    "dot-inside": b"/denied/./x",
    "there-and-back": b"/denied/../denied/x",
    "escape-d": b"/%64enied/x",
    "escape-all": b"/%64%65%6e%69%65%64/x",
    "escape-upper-hex": b"/%64%65%6E%69%65%64/x",
    "escape-last": b"/denie%64/x",
    "escaped-slash": b"/denied%2fx",
    "escaped-slash-upper": b"/denied%2Fx",
    "escaped-dot": b"/%2e/denied/x",
    "escaped-dot-dot": b"/a/%2e%2e/denied/x",
    "escaped-dot-half": b"/a/.%2e/denied/x",
    "escaped-dot-half-2": b"/a/%2E./denied/x",
    "slash-and-dots": b"/denied%2F..%2Fdenied/x",
    "escaped-slash-front": b"/%2fdenied/x",
    "double-slash-dots": b"//a/..//denied/x",
    "slash-dot-slash": b"/.//denied/x",
    "double-slash-behind": b"/denied//x",
    "absolute": b"http://a.example/denied/x",
    "absolute-other-host": b"http://b.example/denied/x",
    "absolute-double-slash": b"http://a.example//denied/x",
    "absolute-escape": b"http://a.example/%64enied/x",
    "absolute-dot": b"http://a.example/./denied/x",
    "backslash": b"/a\\..\\denied/x",
    "backslash-front": b"\\denied/x",
    "nul": b"/denied%00/x",
    "climb": b"/../denied/x",
    "climb-escaped": b"/%2e%2e/denied/x",
    "tab": b"/\tdenied/x",
    "fragment": b"/denied/x#y",
    "dots-behind": b"/denied/x/../y",
    "scheme-upper": b"HTTP://a.example/denied/x",
    "escaped-percent-d": b"/a/../%64enied/./x",
}
# These name other resources: the rule must let them through.
ALLOWED: dict[str, bytes] = {
    "other": b"/allowed/x",
    "prefix": b"/deniedx",
    "no-slash": b"/denied",
    "case": b"/Denied/x",
    "inside": b"/a/denied/x",
    "query": b"/?/denied/x",
    "out-again": b"/denied/../x",
    "double-escape": b"/%2564enied/x",
    "suffix": b"/denied.html",
}
