"""TLS with files and OpenSSL.

`certificates` reads and verifies pairs, `store` keeps them as their files are, `contexts` makes what
connections start from.  Of ACME, `acme_client` asks an authority, `acme_files` keeps what comes of it, and
`challenges` are the proofs that every process shows.
"""
