"""One file for each kind of probe: what is sent, and what answer is good.

`base` says what a probe is.  Over a connection: `tcp`, `tls`, `http`, `grpc`, `agent`, `redis`, `postgres`,
`mysql`, `smtp` and `script`; in datagrams: `dns`, `udp`, `icmp`; by a program of the user's: `exec`.  `terms`
hold an answer against `expect`; `kinds` is the table of kinds.
"""
