"""Protocols that carry addresses in their payload (`lvs-semantics` G)."""
