"""The command-line tool: `director` speaks the admin API by `client` and prints with `output`.

`grammar` has the commands and their options.  Without a running director: `configuration` (check a file) and
`passwd` (the section of a user).
"""
