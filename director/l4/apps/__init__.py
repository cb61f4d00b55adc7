"""Protocols that carry addresses in their payload (`lvs-semantics` G): `ftp`, with `sequence` numbers."""
