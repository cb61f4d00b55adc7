"""What `when` says, as text: the reverse of `parse.expressions`."""

from __future__ import annotations

from director.config.parse.expressions import plain_name, written
from director.model.conditions import And, Condition, Not, Or, Term


def condition(part: Condition) -> str:
    """A condition as an operator would write it."""
    if isinstance(part, Term):
        name = part.name if plain_name(part.name) else _quoted(part.name)
        words = (part.fact, part.name and name, part.operator, *map(written, part.values))
        return " ".join(word for word in words if word)
    if isinstance(part, Not):
        return f"not {_grouped(part.part)}"
    word = " and " if isinstance(part, And) else " or "
    return word.join(_grouped(one) for one in part.parts)


def _grouped(part: Condition) -> str:
    text = condition(part)
    return f"({text})" if isinstance(part, And | Or) else text


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
