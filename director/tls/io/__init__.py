"""TLS with files and OpenSSL.

`certificates` reads and verifies pairs, `contexts` makes what connections start from.
"""
