"""The shell of the health room: `service` runs `probes` over the network, `passive` hears of real work.

A probe talks over a `connection`, perhaps inside TLS (`contexts`), in `datagrams` (`echo` sends ICMP) or by a
`program` of the user's; `faulty` ends as an injected fault says.
"""
