"""`udp = TEXT`: a datagram, and any datagram back.

A server that nobody runs is known at once where its machine says so (ICMP port unreachable); one that
says nothing is dead when the time is up, because silence and loss look alike.
"""

from __future__ import annotations

from director.health.probes.base import shown


def judge(answer: bytes) -> tuple[bool, str]:
    """Whatever came."""
    return True, f"it answers {shown(answer)}"
