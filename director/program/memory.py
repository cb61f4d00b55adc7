"""How this process treats its memory once all that stays is there (composition)."""

from __future__ import annotations

import gc

COLLECT_AFTER = 20_000
"""New containers between two looks for cycles; 700, as Python has it, are fifty requests."""


def settle_memory() -> None:
    """Let the collector look at what requests leave behind only, and less often.

    What exists after the start stays until the end, so looking through it again only costs time and makes
    pauses. A request leaves no cycle: reference counts free all of it at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
