"""`director undo` and `director reload`: from one generation to another."""

from __future__ import annotations

from director.cli.command import DRY_RUN, Command, argument, whole
from director.cli.invocation import DONE, REFUSED, Invocation
from director.cli.output import changes


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
    if not call.options.dry_run:
        return call.show_change(call.client.post("config", "reload"), changes.applied)
    answer = call.client.post("config", "reload", query="dry_run=1")
    if "problems" not in answer:
        return call.show(answer, changes.applied)
    call.show(answer, lambda value: changes.problems(value["problems"]))
    return REFUSED if answer["errors"] else DONE


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
    Command("reload", "Apply the configuration file.", reload, (DRY_RUN,)),
)
