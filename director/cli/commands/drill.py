"""`director fault` and `director drill`: break something on purpose, and rehearse it with a verdict.

Exit codes of `drill run`: 0 pass, 1 fail, 3 void, 2 usage or not reachable (design 6); of `drill fuzz`
(`simulating`): 0 every promise was kept, 1 one was broken, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from director.cli import catalogue, rehearsing, simulating
from director.cli.client import NOT_REACHABLE, ApiClient, Refused
from director.cli.command import Command, argument, whole
from director.cli.invocation import DONE, REFUSED, USAGE, Invocation, say, warn
from director.cli.output.drills import drills, faults
from director.fault.judging import FAIL, PASS, VOID
from director.fault.junit import junit
from director.fault.picture import page
from director.fault.sheet import text

POLL_SECONDS = 0.25
CODES = {PASS: 0, FAIL: 1, VOID: 3}
STANDARD_OUTPUT = "-"

# --- faults ---------------------------------------------------------------------------------


def start_fault(call: Invocation) -> int:
    """`fault start NAME [--ttl TIME] [--seed N]`."""
    options = call.options
    order: dict[str, Any] = {"name": options.name}
    if options.ttl is not None:
        order["ttl"] = options.ttl
    if options.seed is not None:
        order["seed"] = options.seed
    answer = call.client.post("faults", order=order)
    return call.show(
        answer, lambda one: f"{one['name']} is injected for {one['left']:g} s, seed {one['seed']}\n"
    )


def stop_fault(call: Invocation) -> int:
    """`fault stop NAME…`; without a name all that run."""
    client, names = call.client, list(call.options.names)
    if not names:
        names = [one["name"] for one in client.get("faults") if one["active"]]
    for name in names:
        client.delete("faults", name)
    return call.show({"stopped": names}, lambda _: "".join(f"{one} is stopped\n" for one in names))


def list_faults(call: Invocation) -> int:
    """`fault list`."""
    return call.show(call.client.get("faults"), lambda found: faults(found, width=call.width))


FAULT = Command(
    "fault",
    "Inject faults on purpose.",
    parts=(
        Command(
            "start",
            "Inject a fault of the configuration.",
            start_fault,
            (
                argument("name", metavar="NAME"),
                argument("--ttl", metavar="TIME", help="it ends by itself after this; else as configured"),
                argument("--seed", type=whole, metavar="N", help="the same seed hits the same requests"),
            ),
        ),
        Command(
            "stop",
            "End a fault, or all.",
            stop_fault,
            (argument("names", metavar="NAME", nargs="*"),),
        ),
        Command("list", "Show all faults, and which run.", list_faults),
    ),
)

# --- drills ---------------------------------------------------------------------------------


def run(call: Invocation) -> int:
    """`drill run FILE|NAME`."""
    try:
        sheets = _sheets(call)
    except Refused as refused:
        refused.code = USAGE if refused.code in {NOT_REACHABLE, 1} else refused.code
        raise
    _write(call.options, sheets)
    return worst(sheets)


def worst(sheets: Sequence[Mapping[str, Any]]) -> int:
    """The exit code of all together: a failure is worse than what proves nothing."""
    codes = {CODES[one["verdict"]] for one in sheets}
    return next((code for code in (1, 3) if code in codes), DONE)


def _sheets(call: Invocation) -> list[dict[str, Any]]:
    options = call.options
    path = Path(options.what)
    if not (path.is_file() or "/" in options.what or path.suffix == ".ini"):
        return [_one(call.client, options, options.what)]
    if not path.is_file():
        raise Refused(f"there is no file {path}", code=USAGE)
    names = rehearsing.drills_of(path)
    if options.only:
        if options.only not in names:
            raise Refused(f"{path} has no drill {options.only}; there are: {', '.join(names)}", code=USAGE)
        names = [options.only]
    with rehearsing.director(path, call.options.socket) as client:
        return [_one(client, options, name) for name in names]


def _one(client: ApiClient, options: argparse.Namespace, name: str) -> dict[str, Any]:
    """Run one drill to its end; an interrupt ends it there, too."""
    order: dict[str, Any] = {"name": name, "control": options.control}
    if options.seed is not None:
        order["seed"] = options.seed
    run_name = client.post("drills", order=order)["run"]
    try:
        while (found := client.get("drills", run_name))["running"]:
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        client.delete("drills", run_name)
        warn(f"drill {name} is stopped, and what it injected is taken back")
        raise
    return dict(found)


def _write(options: argparse.Namespace, sheets: Sequence[dict[str, Any]]) -> None:
    """The sheets in the forms that were asked for; as text unless a form goes to standard output."""
    value = sheets[0] if len(sheets) == 1 else list(sheets)
    forms = {
        options.json_file: lambda: json.dumps(value, indent=2, ensure_ascii=False) + "\n",
        options.junit: lambda: junit(sheets),
        options.html: lambda: page(sheets),
    }
    if STANDARD_OUTPUT not in forms:
        say("\n".join(text(one) for one in sheets))
    for place, made in forms.items():
        if place:
            _put(place, made())


def _put(place: str, made: str) -> None:
    """Into a file, or to standard output.  Raises Refused."""
    if place == STANDARD_OUTPUT:
        say(made)
        return
    try:
        Path(place).write_text(made, encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot write {place}: {error.strerror}", code=USAGE) from error


def fuzz(call: Invocation) -> int:
    """`drill fuzz FILE [--runs N] [--seed S]`."""
    options = call.options
    report = simulating.report(Path(options.file), options.runs, options.seed)
    if options.json_file != STANDARD_OUTPUT:
        say(simulating.text(report))
    if options.json_file:
        _put(options.json_file, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return DONE if report["kept"] else REFUSED


def list_drills(call: Invocation) -> int:
    """`drill list`; also without a director it says what is shipped."""
    try:
        known = call.client.get("drills")
    except Refused as refused:
        if refused.code == NOT_REACHABLE and not call.as_json:
            say(catalogue.listing())
        raise
    return call.show(known, lambda found: f"{drills(found, width=call.width)}\n{catalogue.listing()}")


def stop(call: Invocation) -> int:
    """`drill stop [NAME|RUN]`."""
    client, name = call.client, call.options.name
    if not name:
        name = next((one["name"] for one in client.get("drills") if one["running"]), "")
        if not name:
            raise Refused("no drill runs")
    client.delete("drills", name)
    return call.show({"stopped": name}, lambda _: f"{name} is stopped, and what it injected is taken back\n")


DRILL = Command(
    "drill",
    "Rehearse failures, with a verdict.",
    parts=(
        Command(
            "run",
            "Run a drill: 0 pass, 1 fail, 3 void, 2 usage.",
            run,
            (
                argument("what", metavar="FILE|NAME", help="a configuration with drills, or a drill's name"),
                argument("only", metavar="DRILL", nargs="?", help="of a file with several, this one"),
                argument(
                    "--json", dest="json_file", metavar="FILE", nargs="?", const="-", help="the sheet as JSON"
                ),
                argument("--junit", metavar="FILE", help="the sheet for JUnit's readers"),
                argument("--html", metavar="FILE", help="the sheet as a page with a picture"),
                argument("--seed", type=whole, metavar="N", help="the same seed hits the same requests"),
                argument("--control", action="store_true", help="run it once without the faults first"),
            ),
        ),
        Command(
            "fuzz",
            "Simulate a configuration under many faults: 0 all promises kept, 1 one broken, 2 usage.",
            fuzz,
            (
                argument("file", metavar="FILE", help="a configuration; no director runs, nothing is opened"),
                argument("--runs", type=whole, metavar="N", help="how many; 200, or with --seed 1"),
                argument(
                    "--seed", type=whole, metavar="S", help="of the first run; the same seed is the same run"
                ),
                argument(
                    "--json",
                    dest="json_file",
                    metavar="FILE",
                    nargs="?",
                    const="-",
                    help="the report as JSON",
                ),
            ),
        ),
        Command("list", "Show all drills and their last runs, and those that are shipped.", list_drills),
        Command("stop", "End what runs.", stop, (argument("name", metavar="NAME", nargs="?", default=""),)),
    ),
)

COMMANDS = (FAULT, DRILL)
