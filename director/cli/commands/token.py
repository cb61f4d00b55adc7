"""`director token`: links and the admin's token; API tokens of users."""

from __future__ import annotations

from director.cli.command import Command, argument
from director.cli.invocation import Invocation
from director.cli.output import listings
from director.cli.output.table import clean


def link(call: Invocation) -> int:
    """A link for a browser of this machine."""
    return call.show(call.client.post("token", "link"), lambda answer: f"{answer['link']}\n")


def rotate(call: Invocation) -> int:
    """Another token; it stays in its file."""
    text = "another token is in {file} now; everybody signs in anew\n"
    answer = call.client.post("token", "rotate")
    return call.show(answer, lambda value: text.format(file=clean(value["file"])))


def create(call: Invocation) -> int:
    """The text of a new token alone, so that it can be put into a variable."""
    keys = ("user", "role", "expires", "note")
    asked = {key: getattr(call.options, key) for key in keys}
    order = {key: value for key, value in asked.items() if value is not None}
    return call.show(call.client.post("tokens", order=order), lambda made: f"{made['token']}\n")


def listed(call: Invocation) -> int:
    """Those that are good now."""
    return call.show(call.client.get("tokens"), lambda rows: listings.TOKENS(rows, call.width))


def revoke(call: Invocation) -> int:
    """It is good for nothing any more."""
    call.client.delete("tokens", call.options.id)
    told = {"revoked": call.options.id}
    return call.show(told, lambda value: f"token {clean(value['revoked'])} is revoked\n")


COMMAND = Command(
    "token",
    "Ways in: a link for a browser, the admin token, API tokens of users.",
    parts=(
        Command("link", "A link that signs a browser in, once and within ten minutes.", link),
        Command("rotate", "Make a new admin token; everybody signs in anew.", rotate),
        Command(
            "create",
            "Make an API token for a user of the configuration, and print it: it is shown this once.",
            create,
            (
                argument("user", metavar="USER"),
                argument("--role", choices=("viewer", "operator", "admin"), help="the user's own if none"),
                argument("--expires", metavar="TIME", help="such as 30d; it ends with its user if none"),
                argument("--note", metavar="TEXT", help="what it is for"),
            ),
        ),
        Command("list", "The API tokens of users, without their texts.", listed),
        Command("revoke", "End an API token.", revoke, (argument("id", metavar="ID"),)),
    ),
)
