"""What checks and agents found, by address, and what follows from it for each server.

Evidence belongs to an address and a check, because servers of several pools may be one machine (design 3);
what it means belongs to a server, whose pool says which checks count.  A part of the registry: nobody else
makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from director.model.pools import NO_ADVICE, Advice, passive
from director.registry.live import LivePool, RealServer
from director.registry.warming import begin


class HealthBook:
    """The verdicts and the advice that stand.

    Args:
        by_address: the registry's servers.
        told: tells a pool's schedulers that a server is another.
    """

    def __init__(
        self,
        by_address: Mapping[str, Mapping[RealServer, None]],
        told: Callable[[LivePool, str, RealServer], None],
    ) -> None:
        self._by_address = by_address
        self._told = told
        self._verdicts: dict[str, dict[str, bool]] = {}
        self._advice: dict[str, dict[str, Advice]] = {}

    def set_health(self, address: str, check: str, alive: bool, now: float) -> tuple[RealServer, ...]:
        """Take a verdict of `check` about an address; returns the servers whose availability changed.

        Every server of any pool with that address and that check shares the evidence (design 3), also
        one that joins later.  A verdict about an address that no server has is ignored.
        """
        if address not in self._by_address:
            return ()
        self._verdicts.setdefault(address, {})[check] = alive
        return self._judge_again(address, check, now)

    def forget_health(self, address: str, check: str, now: float) -> tuple[RealServer, ...]:
        """Drop a verdict, because nobody probes for it any more; returns the servers it changed."""
        advised = self._advice.get(address, {}).pop(check, None)
        verdict = self._verdicts.get(address, {}).pop(check, None)
        if verdict is None and advised is None:
            return ()
        return self._judge_again(address, check, now)

    def set_advice(self, address: str, check: str, advice: Advice, now: float) -> tuple[RealServer, ...]:
        """Take what an agent says of an address, as all that it said; returns the servers it changed."""
        if address not in self._by_address:
            return ()
        self._advice.setdefault(address, {})[check] = advice
        return self._judge_again(address, check, now)

    def verdicts(self) -> list[tuple[str, str, bool | list[object]]]:
        """All that stand: (address, check, alive), and (address, check, what an agent advises)."""
        said: list[tuple[str, str, bool | list[object]]] = [
            (address, check, alive)
            for address, found in self._verdicts.items()
            for check, alive in found.items()
        ]
        for address, heard in self._advice.items():
            said += [(address, check, advice.told()) for check, advice in heard.items()]
        return said

    def forget_strangers(self) -> None:
        """Drop what is known of addresses that no server has any more."""
        for address in self._verdicts.keys() - self._by_address.keys():
            del self._verdicts[address]
        for address in self._advice.keys() - self._by_address.keys():
            del self._advice[address]

    def _judge_again(self, address: str, check: str, now: float) -> tuple[RealServer, ...]:
        changed = []
        for server in self._by_address.get(address, ()):
            if check in server.pool.config.checks or check == passive(server.pool.name):
                before, healthy = _state(server), server.healthy
                self.judge(server)
                if server.available != before[0]:
                    server.since = now
                if server.healthy and not healthy and begin(server, now):
                    self._told(server.pool, "server_updated", server)
                if _state(server) != before:
                    changed.append(server)
        return tuple(changed)

    def judge(self, server: RealServer) -> None:
        """Derive a server's health from the verdicts on its address."""
        verdicts = self._verdicts.get(server.key, {})
        config = server.pool.config
        mine = frozenset(check for check in (*config.checks, passive(config.name)) if check in verdicts)
        server.reported = mine
        server.failing = frozenset(check for check in mine if not verdicts[check])
        self._advise(server)
        server.refresh()

    def _advise(self, server: RealServer) -> None:
        """Derive what its agents want from all that they said, the pool's last check first."""
        heard = self._advice.get(server.key, {})
        advice = NO_ADVICE
        for check in server.pool.config.checks:
            advice = heard.get(check, NO_ADVICE).over(advice)
        if advice != server.advice:
            before = server.weight, server.max
            server.advise(advice)
            if (server.weight, server.max) != before:
                self._told(server.pool, "server_updated", server)


def _state(server: RealServer) -> tuple[object, ...]:
    """What others may have to be told of."""
    return server.available, server.healthy, server.advice, server.pool.panic
