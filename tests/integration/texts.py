"""Configurations for the layer-7 scenarios, in the grammar of the product."""

from __future__ import annotations

BASE = """
[director]
name = scenario
state_dir = {state}
shutdown_grace = 5s

[admin]
listen = 127.0.0.1:{admin}
"""

CHECK = """
[check:alive]
http = GET /healthz
expect = status 200-299
every = 200ms
timeout = 200ms
rise = 1
fall = 2
"""


def pool(name: str, servers: dict[str, str], lines: str = "") -> str:
    """`[pool:NAME]` with servers as name -> address and more lines; quick time-outs unless given."""
    defaults = {
        "scheduler": "rr",
        "timeout.connect": "500ms",
        "timeout.response": "2s",
        "timeout.idle": "5s",
    }
    given = {line.split("=")[0].strip() for line in lines.splitlines()}
    text = [
        f"[pool:{name}]",
        *(f"server.{key} = {address}" for key, address in servers.items()),
    ]
    text += [f"{key} = {value}" for key, value in defaults.items() if key not in given]
    return "\n".join(["", *text, lines, ""])


def service(lines: str = "", *, default: str = "web") -> str:
    """`[l7:www]` on the port of the scenario."""
    return f"\n[l7:www]\nlisten = 127.0.0.1:{{listen}}\npool = {default}\n{lines}\n"


def page(name: str = "sorry", status: int = 503) -> str:
    """`[page:NAME]` from `NAME.html` beside the ini."""
    return f"\n[page:{name}]\nfile = {name}.html\nstatus = {status}\nretry_after = 10s\n"


def web(servers: dict[str, str], lines: str = "", service_lines: str = "") -> str:
    """The usual: one pool, one service."""
    return BASE + pool("web", servers, lines) + service(service_lines)
