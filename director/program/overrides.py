"""What operators changed, over each configuration and across restarts; and the generations (composition).

Asked at the start, at each change and at each reload: what is remembered is `store.overlay`'s business, how
it is kept that of a `Store`.
"""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from director.errors import ChangeRefused, StoreError
from director.model.settings import Configuration
from director.registry.changes import Change, Ordered, plan
from director.registry.edits import Laid
from director.registry.registry import Generation, Registry
from director.store.io.base import Store
from director.store.kept import Kept, begun
from director.store.overlay import Overlay

_log = Logger(namespace="director")


class Overrides:
    """The overlay and the generations of one director, and the store that keeps them.

    Attributes:
        nonce: tells this store from every other.
        unkept: why the last change may be lost at a restart; "" when it is kept.
        failures: how often keeping has failed.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self.nonce = ""
        self.unkept = ""
        self.failures = 0
        self._store = store
        self._registry = registry
        self._overlay = Overlay()

    def load(self) -> None:
        """Take up what the last run kept; without anything usable the configuration alone counts."""
        try:
            kept = self._store.load()
        except StoreError as error:
            _log.error("{why}; everything begins as the configuration says", why=str(error))
            kept = begun()
        self.nonce = kept.nonce
        self._overlay = Overlay(kept.overlay)
        self._registry.resume(kept.generations)

    def over(self, read: Configuration) -> Laid:
        """`read` with the changes laid over it, and why which of them no longer apply."""
        return self._overlay.over(read)

    def unfulfilled(self, laid: Laid) -> Iterator[Change]:
        """The ordered states that servers are not in, or that are not there yet."""
        desired = laid.configuration
        addresses = {
            (pool.name, one.name): str(one.address) for pool in desired.pools for one in pool.servers
        }
        for (pool_name, name), state in laid.states.items():
            pool = self._registry.pools.get(pool_name)
            server = pool.server(name) if pool is not None else None
            if server is None or server.state is not state or server.key != addresses[pool_name, name]:
                yield Ordered(pool_name, name, state)

    def settle(self, read: Configuration, laid: Laid) -> Deferred[bool]:
        """`read` runs now, as `laid`; say what went, and keep what stays.  Fires as `keep` does."""
        self._overlay.settle(read, self._registry.configuration, self._registry.states())
        for sentence in laid.stale.values():
            _log.warn("an earlier change no longer applies and is dropped: {what}", what=sentence)
        return self.keep()

    def note(self, made: Generation) -> Deferred[bool]:
        """Remember what commands changed.  Fires as `keep` does."""
        self._overlay.note(made.edits, self._registry.configuration, self._registry.states())
        return self.keep()

    def keep(self) -> Deferred[bool]:
        """Let all of it outlive the process; fires with whether it does, and never fails."""
        kept = Kept(self.nonce, self._overlay.edits, tuple(self._registry.generations))
        return self._store.save(kept).addCallbacks(self._kept, self._not_kept)

    def _kept(self, _: None) -> bool:
        if self.unkept:
            _log.info("the changes are kept again")
        self.unkept = ""
        return True

    def _not_kept(self, failure: Failure) -> bool:
        failure.trap(StoreError)
        self.failures += 1
        why = failure.getErrorMessage()
        if why != self.unkept:
            _log.error("changes hold until a restart only, they cannot be kept: {why}", why=why)
        self.unkept = why
        return False

    def again(self) -> Deferred[bool]:
        """Try again what could not be kept; every few seconds, and at the stop."""
        return self.keep() if self.unkept else succeed(True)

    def undoing(self, number: int) -> tuple[Change, ...]:
        """The changes that take a generation back, and nothing that came after it.

        Raises ChangeRefused: ENOENT for one that is not remembered, EINVAL for one that cannot be undone.
        """
        at = f"generation {number}"
        made = next((one for one in self._registry.generations if one.number == number), None)
        if made is None:
            raise ChangeRefused("ENOENT", "There is no such generation; only the last ones are kept", at)
        if not made.back:
            raise ChangeRefused("EINVAL", "It changed nothing that could be taken back", at)
        now = self._registry.configuration
        laid = Laid(now, made.back)
        if laid.stale:
            why = next(iter(laid.stale.values()))
            raise ChangeRefused("EINVAL", f"It cannot be undone any more: {why}", at)
        return (*plan(now, laid.configuration), *self.unfulfilled(laid))
