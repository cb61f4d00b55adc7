"""`director undo`, `reload` and `confirm`: from one generation to another; `upgrade`: to another program."""

from __future__ import annotations

from urllib.parse import urlencode

from director.cli.command import DRY_RUN, Command, argument, whole
from director.cli.invocation import DONE, REFUSED, Invocation
from director.cli.output import changes
from director.cli.output.table import clean

UPGRADE_SECONDS = 95.0
"""Longer than a new program may take to start."""


def undo(call: Invocation) -> int:
    """`undo [GENERATION]`."""
    number = call.options.generation
    if number is None:
        number = call.client.get("generations", query="limit=1")[0]["number"]
    query = "dry_run=1" if call.options.dry_run else ""
    answer = call.client.post("generations", str(number), "undo", query=query)
    return call.show_change(answer, changes.applied)


def reload(call: Invocation) -> int:
    """`reload`; 1 when a rehearsal finds errors."""
    asked = {key: getattr(call.options, key) for key in ("confirm", "guard")}
    given = {key: value for key, value in asked.items() if value is not None}
    if not call.options.dry_run:
        answer = call.client.post("config", "reload", query=urlencode(given))
        return call.show_change(answer, changes.reloaded)
    answer = call.client.post("config", "reload", query=urlencode({**given, "dry_run": "1"}))
    if "problems" not in answer:
        return call.show(answer, changes.reloaded)
    call.show(answer, lambda value: changes.problems(value["problems"]))
    return REFUSED if answer["errors"] else DONE


def confirm(call: Invocation) -> int:
    """`confirm`."""
    answer = call.client.post("config", "confirm")
    return call.show(answer, lambda value: f"generation {value['confirmed']} is confirmed\n")


def upgrade(call: Invocation) -> int:
    """`upgrade`: answered when the new program serves."""
    query = "dry_run=1" if call.options.dry_run else ""
    answer = call.client.post("upgrade", query=query, patience=UPGRADE_SECONDS)
    if call.options.dry_run:
        return call.show_change(answer, changes.applied)
    text = "process {pid}, version {version}, serves; the one before ends within shutdown_grace\n"
    return call.show(answer, lambda value: text.format(pid=value["pid"], version=clean(value["version"])))


COMMANDS = (
    Command(
        "undo",
        "Take back what a generation changed.",
        undo,
        (
            argument("generation", nargs="?", type=whole, metavar="GENERATION", help="the last one if none"),
            DRY_RUN,
        ),
    ),
    Command(
        "reload",
        "Apply the configuration file.",
        reload,
        (
            DRY_RUN,
            argument("--confirm", metavar="TIME", help="undo it after this time if not confirmed"),
            argument(
                "--guard",
                metavar="BOUNDS",
                help="with --confirm: undo it at once when these are crossed; off, or such as "
                "'5xx > 20%%, healthy < 50%%'",
            ),
        ),
    ),
    Command(
        "upgrade",
        "Let the program as it is installed now take over, without losing a request.",
        upgrade,
        (DRY_RUN,),
    ),
    Command("confirm", "Keep what `reload --confirm` applied.", confirm),
)
