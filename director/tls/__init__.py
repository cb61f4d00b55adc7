"""TLS: which versions and ciphers, which certificate for which name.

`profiles` are Mozilla's recommendations as tables, `choice` finds the certificates of a name, `acme` gets
them from an authority.  Files and
OpenSSL are the shell's business (`io`): layer 7, checks and the admin page take their contexts from there.
"""
