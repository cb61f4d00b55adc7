"""How many descriptors there are, and how many of them clients may use."""

from __future__ import annotations

import resource

RESERVED_DESCRIPTORS = 128
"""Descriptors kept for logs, admin, checks and the rest of the program."""
CLIENT_SHARE = 0.75
"""Share of the other descriptors that clients may use; the rest is for servers."""


def client_limit() -> int:
    """Clients that the descriptors of this process allow."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, int((soft - RESERVED_DESCRIPTORS) * CLIENT_SHARE))
