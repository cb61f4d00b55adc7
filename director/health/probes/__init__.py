"""One file for each kind of probe: what is sent, and what answer is good.

`base` says what a probe is.  Over a connection: `tcp`, `http`, `redis`, `postgres`, `mysql`, `smtp` and
`script`; in datagrams: `dns`, `udp`, `icmp`; by a program of the user's: `exec`.  `kinds` is
the table of them.
"""
