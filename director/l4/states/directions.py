"""Who sent a packet, seen from its flow: the first index of every state table (`lvs-semantics` D.2)."""

from __future__ import annotations

INPUT, OUTPUT, INPUT_ONLY = range(3)
"""The client; the server; the client, on a flow whose server's packets pass the director by."""
