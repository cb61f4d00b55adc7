"""TLS with files and OpenSSL.

`certificates` reads and verifies pairs, `store` keeps them as their files are, `contexts` makes what
connections start from.
"""
