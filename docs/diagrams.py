"""Diagrams of the documentation, made from the tables they show (`make docs-diagrams`).

`docs/reference/exchange.md` is the life of a layer-7 exchange: `director.l7.proxy.exchange.LIFE`.
"""

from __future__ import annotations

from pathlib import Path

from director.l7.proxy.exchange import LIFE, Phase

EXCHANGE = Path(__file__).parent / "reference" / "exchange.md"

_OPENING = """\
# The life of a request

This page is made from the table `LIFE` in `director/l7/proxy/exchange.py`, to which every order of events
that the tests try keeps; the file itself says why it is so.

An exchange is one request and its response. What it waits for is its phase:

"""


def exchange_page() -> str:
    """The phases in words, and the diagram of what leads from one to another."""
    phases = "".join(f"* **{phase.name}**: {phase.value}\n" for phase in Phase)
    return f"{_OPENING}{phases}\n```mermaid\n{exchange_diagram()}```\n"


def exchange_diagram() -> str:
    """The table as a state diagram in Mermaid's words."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.ROUTED.name}"]
    for phase, events in LIFE.items():
        arrows: dict[Phase, list[str]] = {}
        for event, following in events.items():
            for after in following:
                arrows.setdefault(after, []).append(event.value)
        lines += [
            f"    {phase.name} --> {after.name}: {'<br>'.join(labels)}" for after, labels in arrows.items()
        ]
    lines.append(f"    {Phase.OVER.name} --> [*]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    EXCHANGE.write_text(exchange_page(), encoding="utf-8")
