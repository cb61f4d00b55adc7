"""The command-line tool: `director` speaks the admin API by `client` and prints with `output`.

Without a running director: `configuration` (check a file) and `passwd` (the section of a user).
"""
