"""`tcpvsadm`, the command of KTCPVS, over the director's services of layer 7.

`table` has the values (services, servers, rules) and what may be asked of whoever holds them; `arguments`
reads a command line into an `Instruction`, `command` carries it out on values, `document` reads and writes
the configuration file, which is also what the list looks like.  `objects` says which pools, servers, services
and rules of the registry a service of KTCPVS is, `reading` finds the service in what the API tells of them;
`remote` is the running director as a table, `main` the program, `help` what it says of itself, `importing` a
file as an ini.
"""
