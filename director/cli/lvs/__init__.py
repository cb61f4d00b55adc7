"""LVS's own commands over a running director: `ipvsadm` word for word, and `tcpvsadm`.

`popt` reads arguments as both tools do, by tables of options; `addresses` reads and names host[:port].
`ipvsadm` reads the arguments of that command into an `Order`, `legality` has what it needs and allows,
`command` carries it out, `listing` prints, `saving` writes rules, `help` is what it says of itself.  `table`
says what a command may ask of whatever holds the services; `remote` is the running director as such a table,
`main` the program (`entry` is what both commands' are), `importing` a file of rules as an ini, `combined` the
list of both layers.  `tcpvs` is the room of the other command.
"""
