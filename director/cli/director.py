"""`director`: look at a running director, change it, and ask it why.

It speaks the admin API over the control socket, found by `--socket`, `DIRECTOR_SOCKET` or
the `state_dir` of `-c FILE`.  Exit codes: 0 done, 1 warnings with `check --strict`, 2 refused.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from director.cli import configuration, output, passwd
from director.cli.client import Client, Refused
from director.errors import DirectorError
from director.model.pools import Forward

DEFAULT_FILES = ("etc/director.ini", "/etc/director/director.ini")
"""Where a configuration is looked for that nobody names: here, then where the systemd unit has it."""
SOCKET_FILE = "control.sock"
DONE, REFUSED = 0, 2
POLL_SECONDS = 1.0
THINGS = ("services", "pools", "servers", "connections", "rules", "checks", "config")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})

Arguments = argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except Refused as refused:
        refuse(refused, as_json=arguments.json)
        return REFUSED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return 130
    return code


def refuse(refused: Refused, *, as_json: bool) -> None:
    """Say what is wrong: on stderr for people, on stdout for programs."""
    if as_json:
        say(json.dumps(refused.body or {"error": str(refused), "at": refused.at}) + "\n")
        return
    at = f"{output.clean(refused.at)}: " if refused.at else ""
    lines = [output.clean(line) for line in str(refused).splitlines()]
    more = refused.body.get("problems", []) if isinstance(refused.body, dict) else []
    lines += [f"  {output.clean(one)}" for one in more]
    sys.stderr.write("\n".join([f"director: {at}{lines[0]}", *lines[1:]]) + "\n")


def say(text: str) -> None:
    """Print."""
    sys.stdout.write(text)


def show_result(arguments: Arguments, value: Any, shown: Callable[[Any], str]) -> int:
    """Print a value as JSON or as text."""
    say(json.dumps(value, indent=2, ensure_ascii=False) + "\n" if arguments.json else shown(value))
    return DONE


def connected(arguments: Arguments) -> Client:
    """The director that the options name."""
    named = arguments.socket or ("" if arguments.config else os.environ.get("DIRECTOR_SOCKET", ""))
    if named:
        return Client(Path(named))
    named = arguments.config or next((one for one in DEFAULT_FILES if Path(one).exists()), DEFAULT_FILES[0])
    return Client(configuration.state_dir(Path(named)) / SOCKET_FILE)


# --- the commands ------------------------------------------------------------------------------


def check(arguments: Arguments) -> int:
    """`check FILE`."""
    checked = configuration.check(Path(arguments.file), offline=arguments.offline)
    say(configuration.json_text(checked) if arguments.json else configuration.text(checked))
    return configuration.exit_code(checked, strict=arguments.strict)


def show(arguments: Arguments) -> int:
    """`show THING`."""
    thing = arguments.thing
    client = connected(arguments)
    if thing == "connections":
        query, limit = connection_query(arguments.only)
        found = client.get("connections", query=query)
        return show_result(arguments, found, lambda rows: output.connections(rows, limit))
    if arguments.only:
        raise Refused(f"only connections can be filtered here, not {thing}")
    if thing == "config":
        return show_result(arguments, client.text("config"), str)
    if thing == "servers":
        found = [server for pool in client.get("pools") for server in pool["servers"]]
        if arguments.wide and not arguments.json:
            say(output.wide_servers(found, client.get("services")))
            return DONE
    else:
        found = client.get(thing)
    wide = arguments.wide and thing == "services"
    return show_result(arguments, found, output.wide_services if wide else getattr(output, thing))


CONNECTION_FILTERS = ("client", "service", "server", "limit", "after")


def connection_query(words: Sequence[str]) -> tuple[str, int]:
    """The API's query for `KEY=VALUE` words, and how many connections it asks for.  Raises Refused."""
    query = {"limit": str(output.CONNECTIONS_SHOWN)}
    for word in words:
        key, _, value = word.partition("=")
        if key not in CONNECTION_FILTERS or not value:
            names = ", ".join(f"{one}=…" for one in CONNECTION_FILTERS)
            raise Refused(f"{word!r} is no filter of connections; there are {names}")
        query[key] = value
    limit = query["limit"]
    return urlencode(query), int(limit) if limit.isdecimal() else 0


def split(server: str) -> tuple[str, str]:
    """`POOL/SERVER` in its two names."""
    pool, slash, name = server.partition("/")
    if not (pool and slash and name):
        raise Refused(f"{server!r} is not POOL/SERVER, such as web/a; `director show servers` lists them")
    return pool, name


def change(arguments: Arguments, order: dict[str, Any]) -> int:
    """Change one server."""
    pool, name = split(arguments.server)
    query = "dry_run=1" if arguments.dry_run else ""
    answer = connected(arguments).patch("pools", pool, "servers", name, order=order, query=query)
    return show_result(arguments, answer, output.applied)


def order(arguments: Arguments) -> int:
    """`ready`, `drain` or `maint`."""
    code = change(arguments, {"state": arguments.command})
    if getattr(arguments, "wait", None) is not None and not arguments.dry_run:
        return wait_empty(arguments)
    return code


def wait_empty(arguments: Arguments) -> int:
    """`drain --wait SECONDS`: until the server holds nothing any more."""
    client, (pool, name) = connected(arguments), split(arguments.server)
    end = time.monotonic() + arguments.wait
    while not (server := client.get("pools", pool, "servers", name))["empty"]:
        if time.monotonic() >= end:
            raise Refused(
                f"{server['load']} still on it after {arguments.wait:g} s; it goes on draining",
                arguments.server,
            )
        time.sleep(POLL_SECONDS)
    if not arguments.json:
        say(f"{arguments.server} is empty\n")
    return DONE


def weight(arguments: Arguments) -> int:
    """`weight POOL/SERVER N`."""
    return change(arguments, {"weight": arguments.number})


def reload(arguments: Arguments) -> int:
    """`reload`."""
    client = connected(arguments)
    if arguments.dry_run:
        answer = client.post("config", "check")
        show_result(arguments, answer, lambda value: output.problems(value["problems"]))
        return REFUSED if answer["errors"] else DONE
    return show_result(arguments, client.post("config", "reload"), output.applied)


def why(arguments: Arguments) -> int:
    """`why ID` or `why METHOD URL`."""
    client = connected(arguments)
    if arguments.url is None and arguments.down and "://" in arguments.down[-1]:
        # `why GET --down web/a URL`: what takes several words has taken the URL, too.
        arguments.url = arguments.down.pop()
    if arguments.url is None:
        if arguments.what.upper() in METHODS:
            raise Refused(f"give a URL too: director why {arguments.what} http://HOST/PATH")
        return show_result(arguments, client.get("requests", arguments.what), output.why)
    down = [name for word in arguments.down for name in word.split(",") if name]
    asked = {
        "method": arguments.what.upper(),
        "url": arguments.url,
        "headers": [header(text) for text in arguments.header],
        "client": arguments.client,
        **({"down": down} if down else {}),
    }
    return show_result(arguments, client.post("explain", order=asked), output.why)


def header(text: str) -> list[str]:
    """`-H "Name: value"` as a pair."""
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise Refused(f"{text!r} is not a header; write -H 'Name: value'")
    return [name.strip(), value.strip()]


def config(arguments: Arguments) -> int:
    """`config export`."""
    return show_result(arguments, connected(arguments).text("config"), str)


def lab(arguments: Arguments) -> int:
    """`lab up|down|run [METHOD …]`."""
    try:
        found = importlib.import_module("director.demo.lab")
    except ImportError as error:
        raise Refused(f"the namespace lab is not in this installation ({error})") from error
    methods = tuple(arguments.methods)
    lines: list[str] = []
    tell = lines.append if arguments.json else say_line
    try:
        if arguments.action == "run":
            return ran(found.lab_run(methods or found.METHODS, tell), as_json=arguments.json)
        if arguments.action == "up":
            found.lab_up((methods or (Forward.NAT,))[0], tell)
        else:
            found.lab_down(tell)
    except DirectorError as error:
        raise Refused(str(error)) from error
    if arguments.json:
        say(json.dumps({"said": lines}, indent=2) + "\n")
    return DONE


def ran(reports: Sequence[Any], *, as_json: bool) -> int:
    """The end of `lab run`: 2 when a method failed."""
    if as_json:
        shown = [
            {"method": one.method.value, "transfer": one.transfer, "failed": one.failed} for one in reports
        ]
        say(json.dumps(shown, indent=2) + "\n")
    return REFUSED if any(one.failed for one in reports) else DONE


def say_line(line: str) -> None:
    """Print a line at once."""
    say(line + "\n")
    sys.stdout.flush()


def password(arguments: Arguments) -> int:
    """`passwd USER`."""
    text = passwd.section(arguments.user, arguments.role, passwd.ask())
    if not arguments.json:
        sys.stderr.write(
            "This version does not know users yet and refuses this section; keep it for later.\n"
        )
    return show_result(arguments, text, str)


def drill(arguments: Arguments) -> int:
    """`drill run FILE`."""
    raise Refused("fault drills are not in this version")


# --- the grammar ------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The whole grammar."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON")
    common.add_argument("--socket", metavar="PATH", default="", help="the director's control socket")
    common.add_argument(
        "-c", "--config", metavar="FILE", default="", help=f"its configuration ({' or '.join(DEFAULT_FILES)})"
    )
    top = argparse.ArgumentParser(
        prog="director",
        description="Look at a running director, change it, and ask it why.",
        epilog="The director itself is started with: twistd -n director -c FILE",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[Arguments], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, parents=[common])
        made.set_defaults(run=run)
        return made

    _looking(add)
    _changing(add)
    _others(add)
    return top


Add = Callable[[str, Callable[[Arguments], int], str], argparse.ArgumentParser]


def _looking(add: Add) -> None:
    made = add("check", check, "Check a configuration file; 0 clean, 2 errors.")
    made.add_argument("file", metavar="FILE")
    made.add_argument("--strict", action="store_true", help="exit with 1 when there are warnings")
    made.add_argument(
        "--offline", action="store_true", help="ask neither for names nor whether servers answer"
    )
    made = add("show", show, "Show what the director has.")
    made.add_argument("thing", choices=THINGS, metavar="|".join(THINGS))
    made.add_argument(
        "only",
        nargs="*",
        metavar="KEY=VALUE",
        help=f"of connections: {', '.join(CONNECTION_FILTERS)}",
    )
    made.add_argument("--wide", action="store_true", help="more columns, of services and servers")
    made = add("why", why, "Why a request went where it went, or where one would go.")
    made.add_argument("what", metavar="ID|METHOD", help="a request's id; or a method, and then a URL")
    made.add_argument("url", nargs="?", metavar="URL")
    made.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'")
    made.add_argument("--client", default="127.0.0.1", metavar="IP", help="as if it came from there")
    made.add_argument(
        "--down", action="extend", nargs="+", default=[], metavar="POOL/SERVER", help="as if these were down"
    )


def _changing(add: Add) -> None:
    for name, text in (
        ("ready", "Let a server take new clients."),
        ("drain", "Let a server finish, without new clients."),
        ("maint", "Let a server take nothing new, not even from clients bound to it."),
    ):
        made = add(name, order, text)
        made.add_argument("server", metavar="POOL/SERVER")
        made.add_argument("--dry-run", action="store_true", help="say what would be done")
        if name == "drain":
            made.add_argument(
                "--wait", type=float, metavar="SECONDS", help="until it is empty, at most so long"
            )
    made = add("weight", weight, "Change a server's weight; 0 = no new work.")
    made.add_argument("server", metavar="POOL/SERVER")
    made.add_argument("number", type=int, metavar="N")
    made.add_argument("--dry-run", action="store_true", help="say what would be done")
    made = add("reload", reload, "Apply the configuration file.")
    made.add_argument("--dry-run", action="store_true", help="check it only")


def _others(add: Add) -> None:
    made = add("config", config, "Print the merged configuration.")
    made.add_argument("action", choices=("export",))
    made = add("lab", lab, "A client, a director and real servers in network namespaces.")
    made.add_argument("action", choices=("up", "down", "run"))
    made.add_argument("methods", nargs="*", type=Forward, metavar="nat|dr|tun")
    made = add("passwd", password, "Make the section of a user.")
    made.add_argument("user", metavar="USER")
    made.add_argument("--role", choices=("viewer", "operator", "admin"), default="viewer")
    made = add("drill", drill, "Rehearse failures.")
    made.add_argument("action", choices=("run",))
    made.add_argument("file", metavar="FILE")


if __name__ == "__main__":
    sys.exit(main())
