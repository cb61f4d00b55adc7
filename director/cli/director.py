"""`director`: look at a running director, change it, and ask it why.

It speaks the admin API over the control socket, found by `--socket`, `DIRECTOR_SOCKET` or
the `state_dir` of `-c FILE`.  Exit codes: 0 done, 1 refused or failed, 2 usage, 3 not reachable, 4 done but
not kept (design 6); those of `check` are its own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from director.cli import configuration, grammar, output, passwd
from director.cli.client import ApiClient, Refused
from director.cli.lvs.importing import imported
from director.errors import DirectorError
from director.model.pools import Forward

SOCKET_FILE = "control.sock"
DONE, REFUSED, USAGE, UNREACHABLE, UNKEPT = 0, 1, 2, 3, 4
POLL_SECONDS = 1.0
WATCH_SECONDS = 2.0
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
        return refused.code
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


def connected(arguments: Arguments) -> ApiClient:
    """The director that the options name."""
    named = arguments.socket or ("" if arguments.config else os.environ.get("DIRECTOR_SOCKET", ""))
    if named:
        return ApiClient(Path(named))
    named = arguments.config or next(
        (one for one in grammar.DEFAULT_FILES if Path(one).exists()), grammar.DEFAULT_FILES[0]
    )
    return ApiClient(configuration.state_dir(Path(named)) / SOCKET_FILE)


# --- the commands ------------------------------------------------------------------------------


def check(arguments: Arguments) -> int:
    """`check FILE|-`."""
    checked = configuration.check(arguments.file, offline=arguments.offline)
    say(configuration.json_text(checked) if arguments.json else configuration.text(checked))
    return configuration.exit_code(checked, strict=arguments.strict)


def show(arguments: Arguments) -> int:
    """`show THING [FILTER…]`."""
    client = connected(arguments)
    if not arguments.watch:
        return show_once(arguments, client)
    while True:
        if sys.stdout.isatty():
            say(output.CLEAR)
        show_once(arguments, client)
        sys.stdout.flush()
        time.sleep(WATCH_SECONDS)


def show_once(arguments: Arguments, client: ApiClient) -> int:
    """What there is now."""
    thing, words = arguments.thing, arguments.filter
    if thing == "connections":
        query, limit = connection_query([word for word in words if "=" in word])
        words = [word for word in words if "=" not in word]
        found = [one for one in client.get("connections", query=query) if output.matches(one, words)]
        return show_result(
            arguments, found, lambda rows: output.connections(rows, limit, width=width(arguments))
        )
    if thing == "config":
        if words:
            raise Refused("the configuration is one text and takes no filter; use grep", code=USAGE)
        return show_result(arguments, client.text("config"), str)
    if thing == "servers":
        found = [server for pool in client.get("pools") for server in pool["servers"]]
    else:
        limited = thing in {"events", "generations"}
        found = client.get(thing, query=f"limit={output.ROWS_ASKED}" if limited else "")
    found = [one for one in found if output.matches(one, words)]
    if arguments.wide and thing == "servers" and not arguments.json:
        say(output.wide_servers(found, client.get("services")))
        return DONE
    if arguments.wide and thing == "services":
        return show_result(arguments, found, output.wide_services)
    shown: Callable[..., str] = getattr(output, thing)
    return show_result(arguments, found, lambda rows: shown(rows, width=width(arguments)))


def width(arguments: Arguments) -> int:
    """Columns of a table: those of the terminal; none to mind in a pipe or when `--wide` is asked for."""
    if getattr(arguments, "wide", False) or not sys.stdout.isatty():
        return output.UNBOUNDED
    return shutil.get_terminal_size().columns


CONNECTION_FILTERS = ("client", "service", "server", "limit", "after")


def connection_query(words: Sequence[str]) -> tuple[str, int]:
    """The API's query for `KEY=VALUE` words, and how many connections it asks for.  Raises Refused."""
    query = {"limit": str(output.ROWS_ASKED)}
    for word in words:
        key, _, value = word.partition("=")
        if key not in CONNECTION_FILTERS or not value:
            names = ", ".join(f"{one}=…" for one in CONNECTION_FILTERS)
            raise Refused(f"{word!r} is no filter of connections; there are {names}", code=USAGE)
        query[key] = value
    limit = query["limit"]
    return urlencode(query), int(limit) if limit.isdecimal() else 0


def split(server: str) -> tuple[str, str]:
    """`POOL/SERVER` in its two names."""
    pool, slash, name = server.partition("/")
    if not (pool and slash and name):
        text = f"{server!r} is not POOL/SERVER, such as web/a; `director show servers` lists them"
        raise Refused(text, code=USAGE)
    return pool, name


def change(arguments: Arguments, order: dict[str, Any]) -> int:
    """Change servers: all of them, or, when one cannot be changed, none."""
    client, servers = connected(arguments), [split(one) for one in arguments.servers]
    rehearsed = [_patch(client, one, order, dry_run=True) for one in servers if len(servers) > 1]
    if arguments.dry_run:
        answers = rehearsed or [_patch(client, one, order, dry_run=True) for one in servers]
    else:
        answers = [_patch(client, one, order) for one in servers]
    value = answers if len(servers) > 1 else answers[0]
    code = show_result(arguments, value, lambda _: "".join(output.applied(one) for one in answers))
    if arguments.dry_run:
        return code
    for pool, name in servers:
        hint = output.still_idle(client.get("pools", pool, "servers", name), order)
        sys.stderr.write(f"director: {hint}\n" if hint else "")
    return max(kept(one) for one in answers)


def _patch(
    client: ApiClient, server: tuple[str, str], order: dict[str, Any], *, dry_run: bool = False
) -> Any:
    pool, name = server
    return client.patch("pools", pool, "servers", name, order=order, query="dry_run=1" if dry_run else "")


def kept(answer: Any) -> int:
    """The exit code of a change: 4, with a line, when it would be lost at a restart."""
    if answer.get("kept", True):
        return DONE
    sys.stderr.write(
        "director: done, but not kept: a restart would lose it. It is tried again; see the director's log\n"
    )
    return UNKEPT


def order(arguments: Arguments) -> int:
    """`ready`, `drain` or `maint`."""
    code = change(arguments, {"state": arguments.command})
    if getattr(arguments, "wait", None) is not None and not arguments.dry_run:
        wait_empty(arguments)
    return code


def wait_empty(arguments: Arguments) -> None:
    """`drain --wait TIME`: until the servers hold nothing any more."""
    client, end = connected(arguments), time.monotonic() + arguments.wait
    for one in arguments.servers:
        pool, name = split(one)
        while not (server := client.get("pools", pool, "servers", name))["empty"]:
            if time.monotonic() >= end:
                raise Refused(
                    f"{server['load']} still on it after {arguments.wait:g} s; it goes on draining", one
                )
            time.sleep(POLL_SECONDS)
        if not arguments.json:
            say(f"{one} is empty\n")


def weight(arguments: Arguments) -> int:
    """`weight POOL/SERVER… N`."""
    return change(arguments, {"weight": arguments.number})


def reload(arguments: Arguments) -> int:
    """`reload`."""
    client = connected(arguments)
    if arguments.dry_run:
        answer = client.post("config", "reload", query="dry_run=1")
        if "problems" not in answer:
            return show_result(arguments, answer, output.applied)
        show_result(arguments, answer, lambda value: output.problems(value["problems"]))
        return REFUSED if answer["errors"] else DONE
    answer = client.post("config", "reload")
    show_result(arguments, answer, output.applied)
    return kept(answer)


def place(kind: str, name: str) -> tuple[str, ...]:
    """Where a thing of that kind and name is in the API."""
    if kind == "server":
        pool, server = split(name)
        return "pools", pool, "servers", server
    return f"{kind}s", name


def add(arguments: Arguments) -> int:
    """`add KIND NAME KEY=VALUE…`."""
    *where, name = place(arguments.kind, arguments.name)
    order = {"name": name}
    for word in arguments.keys:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise Refused(f"{word!r} is not KEY=VALUE, such as weight=2", code=USAGE)
        order[key] = value
    query = "dry_run=1" if arguments.dry_run else ""
    answer = connected(arguments).post(*where, order=order, query=query)
    show_result(arguments, answer, output.applied)
    return kept(answer)


def remove(arguments: Arguments) -> int:
    """`remove KIND NAME`."""
    query = {"dry_run": "1"} if arguments.dry_run else {}
    query |= {"force": "1"} if arguments.force else {}
    query |= {"drain": arguments.drain} if arguments.drain else {}
    where = place(arguments.kind, arguments.name)
    answer = connected(arguments).delete(*where, query=urlencode(query))
    if not answer:
        return show_result(arguments, {"removed": arguments.name}, lambda _: f"{arguments.name} removed\n")
    show_result(arguments, answer, output.applied)
    return kept(answer)


def undo(arguments: Arguments) -> int:
    """`undo [GENERATION]`."""
    client, number = connected(arguments), arguments.generation
    if number is None:
        number = client.get("generations", query="limit=1")[0]["number"]
    query = "dry_run=1" if arguments.dry_run else ""
    answer = client.post("generations", str(number), "undo", query=query)
    show_result(arguments, answer, output.applied)
    return kept(answer)


def token(arguments: Arguments) -> int:
    """`token link` or `token rotate`."""
    answer = connected(arguments).post("token", arguments.action)
    if arguments.action == "link":
        return show_result(arguments, answer, lambda value: f"{value['link']}\n")
    text = "another token is in {file} now; everybody signs in anew\n"
    return show_result(arguments, answer, lambda value: text.format(file=output.clean(value["file"])))


def why(arguments: Arguments) -> int:
    """`why ID` or `why METHOD URL`."""
    client = connected(arguments)
    if arguments.url is None and arguments.down and "://" in arguments.down[-1]:
        # `why GET --down web/a URL`: what takes several words has taken the URL, too.
        arguments.url = arguments.down.pop()
    told = partial(output.why, width=width(arguments))
    if arguments.url is None:
        if arguments.what.upper() in METHODS:
            text = f"give a URL too: director why {arguments.what} http://HOST/PATH"
            raise Refused(text, code=USAGE)
        return show_result(arguments, client.get("requests", arguments.what), told)
    down = [name for word in arguments.down for name in word.split(",") if name]
    asked = {
        "method": arguments.what.upper(),
        "url": arguments.url,
        "headers": [header(text) for text in arguments.header],
        "client": arguments.client,
        **({"down": down} if down else {}),
    }
    return show_result(arguments, client.post("explain", order=asked), told)


def header(text: str) -> list[str]:
    """`-H "Name: value"` as a pair."""
    name, colon, value = text.partition(":")
    if not (name.strip() and colon):
        raise Refused(f"{text!r} is not a header; write -H 'Name: value'", code=USAGE)
    return [name.strip(), value.strip()]


def config(arguments: Arguments) -> int:
    """`config export` or `config import ipvsadm FILE`."""
    if arguments.action == "import":
        return show_result(arguments, imported(arguments.source), str)
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
    """The end of `lab run`: 1 when a method failed."""
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


def completion(arguments: Arguments) -> int:
    """`completion SHELL`."""
    words = {name: grammar.THINGS if name == "show" else () for name in COMMANDS}
    return show_result(arguments, output.completion(arguments.shell, words), str)


COMMANDS: grammar.Commands = {
    "check": check,
    "show": show,
    "why": why,
    "ready": order,
    "drain": order,
    "maint": order,
    "weight": weight,
    "add": add,
    "remove": remove,
    "undo": undo,
    "reload": reload,
    "token": token,
    "config": config,
    "lab": lab,
    "passwd": password,
    "drill": drill,
    "completion": completion,
}


def parser() -> argparse.ArgumentParser:
    """The grammar over these functions."""
    return grammar.parser(COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
