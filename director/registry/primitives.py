"""What a change may carry out on the live registry, after everything was checked.

`registry.Registry` is it; `changes` know it as this, because the registry knows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from director.model.http import L7Service
from director.model.pools import CustomScheduler, Pool, Server, State
from director.model.virtual import L4Service


class Primitives(Protocol):
    """The steps that every change is made of; none of them fails."""

    def add_pool(self, config: Pool, now: float) -> None:
        """Make a live pool with its servers."""

    def update_pool(self, config: Pool) -> None:
        """Take over the pool's settings and order."""

    def remove_pool(self, name: str, now: float) -> None:
        """Take a pool away."""

    def rearrange(self, pools: Iterable[str]) -> None:
        """Put the pools in this order."""

    def add_server(self, pool_name: str, config: Server, now: float) -> None:
        """Add a server, or take it back."""

    def update_server(self, pool_name: str, config: Server) -> None:
        """Take over a server's settings."""

    def remove_server(self, pool_name: str, name: str, now: float) -> None:
        """Take a server away."""

    def order(self, pool_name: str, name: str, state: State, now: float) -> None:
        """Carry out `ready`, `drain` or `maint`."""

    def add_service(self, key: str, config: L7Service | L4Service) -> None:
        """Make a live service, or give an existing one its new settings."""

    def remove_service(self, key: str) -> None:
        """Take a service away."""

    def update_custom_schedulers(self, desired: tuple[CustomScheduler, ...]) -> None:
        """Start users' own schedulers anew whose section changed."""

    def restart_schedulers(self, names: set[str]) -> None:
        """Start all schedulers of these names anew."""
