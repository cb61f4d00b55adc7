"""Every section and key of the ini, once: what it takes, what it defaults to, what it does.

`shape` says what a table consists of; `general`, `pools`, `l7`, `l4`, `tls`, `guards`, `drills` hold them,
`tables` joins them, `reference` prints them as documentation.
"""
