"""Certificates that the director gets by itself (ACME, RFC 8555), without I/O.

`jose` signs what is asked, `order` is the way from a name to its certificate in steps that a shell performs,
`proof` makes what shows that a name is ours, `renewal` says when a certificate is due and when to try again.
"""
