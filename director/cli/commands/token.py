"""`director token link` and `director token rotate`."""

from __future__ import annotations

from director.cli.command import Command
from director.cli.invocation import Invocation
from director.cli.output.table import clean


def link(call: Invocation) -> int:
    """A link for a browser of this machine."""
    return call.show(call.client.post("token", "link"), lambda answer: f"{answer['link']}\n")


def rotate(call: Invocation) -> int:
    """Another token; it stays in its file."""
    text = "another token is in {file} now; everybody signs in anew\n"
    answer = call.client.post("token", "rotate")
    return call.show(answer, lambda value: text.format(file=clean(value["file"])))


COMMAND = Command(
    "token",
    "A link that signs in a browser, or a new admin token.",
    parts=(
        Command("link", "A link that signs a browser in, once and within ten minutes.", link),
        Command("rotate", "Make a new admin token; everybody signs in anew.", rotate),
    ),
)
