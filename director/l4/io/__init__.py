"""The shell of layer 4: packet rings, netlink, and the capture of virtual addresses.

`service` ties the rest together and keeps in `alarms` what is wrong; `probe` says what this process lacks,
`sysctl` what the kernel is told about addresses; `flowfile` keeps flows between two runs,
`counting` names what all of them counted.
`engine` is what the shell asks to move packets, and `packet` the one in Python; `netlink` is the kernel's
view of links, routes and neighbours, `capture` takes virtual addresses away from the host's stack and gives
them back.
"""
