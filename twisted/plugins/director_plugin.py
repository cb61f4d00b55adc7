"""Tells `twistd` that there is a command `director`; the program is imported only when it is chosen."""

from __future__ import annotations

from twisted.application.service import ServiceMaker

director = ServiceMaker(
    "director",
    "director.tap",
    "A programmable load balancer for layers 4 and 7.",
    "director",
)
