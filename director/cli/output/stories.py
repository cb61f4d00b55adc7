"""Why a request went where it went, as sentences."""

from __future__ import annotations

from typing import Any

from director.cli.output.table import WIDTH, clean, wrap


def why(trace: dict[str, Any], width: int = WIDTH) -> str:
    """A decision as sentences, with the request it was made for."""
    head = f"{trace['method']} {trace['host']}{trace['target']} from {trace['client']} at {trace['service']}"
    lines = [f"  {wrapped}" for part in trace["story"] for wrapped in wrap(clean(part), width - 2)]
    name = f"request {clean(trace['id'])}, {clean(trace['time'])}\n" if trace["id"] else ""
    return f"{name}{clean(head)}\n" + "\n".join(lines) + "\n"
