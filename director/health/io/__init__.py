"""The shell of the health room: `service` runs `probes` over the network.

`echo` sends ICMP, `program` runs those of users, `faulty` ends as an injected fault says.
"""
