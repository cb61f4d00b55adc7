"""The kernel's view of links, routes and neighbours.

`socket` speaks `rtnetlink`, `view` remembers, `neighbours` asks again for those in use.
"""
