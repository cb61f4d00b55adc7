"""Actions and probes of the director for the Chaos Toolkit, over its REST API; needs nothing but Python.

Put this file where Python finds it (`PYTHONPATH`), and name it in an experiment: `experiment.json` beside it
is one that runs.  The director is found by the experiment's `configuration`: `director_url`, such as
`http://127.0.0.1:8081`, with the secret `token`; or `director_socket`, the control socket, which needs none.
Every function raises `RuntimeError` with the director's own words when it says no, which ends the activity.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

SECONDS = 30.0
"""How long one answer of the API may take."""
POLL_SECONDS = 0.25

Settings = Mapping[str, Any] | None

# --- actions --------------------------------------------------------------------------------


def start_fault(
    name: str,
    ttl: str = "60s",
    seed: int | None = None,
    configuration: Settings = None,
    secrets: Settings = None,
) -> dict[str, Any]:
    """Inject a fault of the director's configuration; it ends by itself after `ttl`, come what may."""
    order = {"name": name, "ttl": ttl} | ({} if seed is None else {"seed": seed})
    found: dict[str, Any] = _ask("POST", ("faults",), order, configuration, secrets)
    return found


def stop_fault(name: str, configuration: Settings = None, secrets: Settings = None) -> bool:
    """End a fault; for `rollbacks`: one that has ended already is fine."""
    if any(one["active"] for one in _faults(configuration, secrets) if one["name"] == name):
        _ask("DELETE", ("faults", name), None, configuration, secrets)
    return True


def order_server(
    pool: str, server: str, state: str, configuration: Settings = None, secrets: Settings = None
) -> bool:
    """`drain`, `maint` or `ready` a server."""
    _ask("PATCH", ("pools", pool, "servers", server), {"state": state}, configuration, secrets)
    return True


def run_drill(
    name: str,
    seed: int | None = None,
    control: bool = False,
    configuration: Settings = None,
    secrets: Settings = None,
) -> dict[str, Any]:
    """Run a whole drill of the director, and give back its sheet; `drill_verdict` asks for the verdict."""
    order: dict[str, Any] = {"name": name, "control": control} | ({} if seed is None else {"seed": seed})
    run = _ask("POST", ("drills",), order, configuration, secrets)["run"]
    while (sheet := _ask("GET", ("drills", run), None, configuration, secrets))["running"]:
        time.sleep(POLL_SECONDS)
    return dict(sheet)


# --- probes ---------------------------------------------------------------------------------


def drill_verdict(name: str, configuration: Settings = None, secrets: Settings = None) -> str:
    """`pass`, `fail` or `void`: of the last run of a drill; void proves nothing and is no pass."""
    return str(_ask("GET", ("drills", name), None, configuration, secrets)["verdict"])


def servers_ready(pool: str, configuration: Settings = None, secrets: Settings = None) -> int:
    """How many servers of a pool take new work."""
    servers = _ask("GET", ("pools", pool), None, configuration, secrets)["servers"]
    return sum(bool(one["eligible"]) for one in servers)


def server_health(pool: str, server: str, configuration: Settings = None, secrets: Settings = None) -> str:
    """`up`, `down`, `checking` (not known yet) or `unchecked`: what checks and traffic say."""
    return str(_ask("GET", ("pools", pool, "servers", server), None, configuration, secrets)["health"])


def no_fault_runs(configuration: Settings = None, secrets: Settings = None) -> bool:
    """Nothing is injected: a steady state that is not steady by accident."""
    return not any(one["active"] for one in _faults(configuration, secrets))


# --- the API --------------------------------------------------------------------------------


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection to a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        """To the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


def _connection(settings: Mapping[str, Any]) -> http.client.HTTPConnection:
    if settings.get("director_socket"):
        return _UnixConnection(str(settings["director_socket"]))
    url = urlsplit(str(settings.get("director_url", "http://127.0.0.1:8081")))
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.netloc, timeout=SECONDS)


def _ask(method: str, place: tuple[str, ...], order: Any, configuration: Settings, secrets: Settings) -> Any:
    """The JSON value of an answer, None of an empty one.  Raises RuntimeError for a refusal."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if secrets and secrets.get("token"):
        headers["Authorization"] = f"Bearer {secrets['token']}"
    path = "/api/v1/" + "/".join(quote(part, safe="") for part in place)
    connection = _connection(configuration or {})
    try:
        connection.request(method, path, None if order is None else json.dumps(order), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    value = json.loads(text) if text else None
    if answer.status >= 400:
        said = value.get("error") if isinstance(value, dict) else text
        raise RuntimeError(f"the director refused ({answer.status}): {said}")
    return value


def _faults(configuration: Settings, secrets: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _ask("GET", ("faults",), None, configuration, secrets)
    return found
