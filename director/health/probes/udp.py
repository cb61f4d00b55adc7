"""`udp = TEXT`: a datagram, and any datagram back, or one that `expect` describes.

A server that nobody runs is known at once where its machine says so (ICMP port unreachable); one that
says nothing is dead when the time is up, because silence and loss look alike.
"""

from __future__ import annotations

from collections.abc import Iterable

from director.health.probes.base import Judgement, shown
from director.health.probes.terms import unmet_by_lines
from director.model.conditions import Term


def judge(answer: bytes, terms: Iterable[Term] = ()) -> Judgement:
    """Whatever came, if it is what is expected; an octet is a letter of Latin-1."""
    lacking = unmet_by_lines(terms, (answer.decode("latin-1"),))
    if lacking:
        return False, f"it answers {shown(answer)}, but not {lacking}"
    return True, f"it answers {shown(answer)}"
