"""The command-line tool: `director` reads the words, and a row of `commands` carries them out.

`command` is what such a row is, `grammar` the parser over all of them, `invocation` one command as it was
called: its options, the director that is meant (`locating`, asked over the admin API by `client`), and how it
answers, in the words of `output`; `following` reads what happens as it does.  Without a running director:
`configuration` (check a file), `rehearsing` (a director for a drill), `catalogue` (drills that are shipped),
`simulating` (one that is played).  `lvs` has the commands of LVS.
"""
