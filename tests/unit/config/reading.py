"""What all readers of a value promise: nothing but `BadValue`, at a place inside of the text."""

from __future__ import annotations

from collections.abc import Callable

from director.config.text.messages import BadValue


def refuses_at_a_place(reader: Callable[[str], object], text: str) -> None:
    """Read a text, however wrong; what is refused stands somewhere in it."""
    try:
        reader(text)
    except BadValue as bad:
        start = bad.start
    else:
        start = 0
    assert 0 <= start <= len(text)
