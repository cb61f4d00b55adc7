"""Section `[guard:NAME]`."""

from __future__ import annotations

from director.config.parse import schedulers, values
from director.config.schema.shape import Key, Kind

GUARD = Kind(
    "guard",
    "NAME",
    "A condition that operators' changes, by command, API, page or reload, must not break. Only a change "
    "that makes things worse is refused: what fails by itself, and what mends, is not.",
    (
        Key(
            "pool",
            "list of pools",
            values.NAMES,
            "Which pools it guards; each of all without it.",
            example="pay, web",
        ),
        Key(
            "ready",
            "number",
            values.count(1, 1_000_000),
            "So many servers at least must be ready for new clients after the change: healthy, not drained, "
            "not in maintenance, with a weight. Backups do not count.",
            example="2",
        ),
        Key(
            "drains",
            "number",
            values.count(0, 1_000_000),
            "So many servers at most may be drained or in maintenance at a time.",
            example="1",
        ),
        Key(
            "python",
            "`FILE.py:FUNCTION`",
            schedulers.python_class,
            "A function of your own, called with the change; the text that it returns is why the change is "
            "refused. One that raises is an event and lets the change pass.",
            example="guards.py:business_hours",
            path=True,
        ),
        Key(
            "action",
            "`veto` or `warn`",
            values.choice("veto", "warn"),
            "Whether a change is refused, or only said to be against it (an event).",
            default="veto",
            example="warn",
        ),
        Key(
            "reason",
            "text",
            values.on_text(str),
            "Told to who is refused.",
            example="two take the load of the evening",
        ),
    ),
)
