"""`director why ID`, `director why METHOD URL`."""

from __future__ import annotations

from functools import partial

from director.cli.client import Refused
from director.cli.command import Command, argument
from director.cli.invocation import USAGE, Invocation
from director.cli.output import stories

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


def run(call: Invocation) -> int:
    """Tell the story of a request, of one that was made or of one that was not."""
    options = call.options
    if options.url is None and options.down and "://" in options.down[-1]:
        # `why GET --down web/a URL`: what takes several words has taken the URL, too.
        options.url = options.down.pop()
    told = partial(stories.why, width=call.width)
    if options.url is None:
        if options.what.upper() in METHODS:
            text = f"give a URL too: director why {options.what} http://HOST/PATH"
            raise Refused(text, code=USAGE)
        return call.show(call.client.get("requests", options.what), told)
    down = [name for word in options.down for name in word.split(",") if name]
    asked = {
        "method": options.what.upper(),
        "url": options.url,
        "headers": [header(text) for text in options.header],
        "client": options.client,
        **({"down": down} if down else {}),
    }
    return call.show(call.client.post("explain", order=asked), told)


def header(text: str) -> list[str]:
    """`-H "Name: value"` as a pair."""
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise Refused(f"{text!r} is not a header; write -H 'Name: value'", code=USAGE)
    return [name.strip(), value.strip()]


COMMAND = Command(
    "why",
    "Why a request went where it went, or where one would go.",
    run,
    (
        argument("what", metavar="ID|METHOD", help="a request's id; or a method, and then a URL"),
        argument("url", nargs="?", metavar="URL"),
        argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'"),
        argument("--client", default="127.0.0.1", metavar="IP", help="as if it came from there"),
        argument(
            "--down",
            action="extend",
            nargs="+",
            default=[],
            metavar="POOL/SERVER",
            help="as if these were down",
        ),
    ),
)
