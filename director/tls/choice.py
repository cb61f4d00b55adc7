"""Which certificates a name gets: exact before wildcard, and the first of all for who names none.

A wildcard stands for exactly one label, at the left (RFC 9525 6.3).  Several certificates for one name
stand side by side when their keys differ in kind (RSA and ECDSA), and OpenSSL takes the one the client can
check; of two of the same kind the first counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Choice(Generic[T]):
    """Names to groups of certificates; `default` for clients without a name or with an unknown one.

    Args:
        offers: (names, certificate) in the order of the configuration.
    """

    def __init__(self, offers: Iterable[tuple[Iterable[str], T]]) -> None:
        by_name: dict[str, list[T]] = {}
        first: tuple[str, ...] | None = None
        for names, certificate in offers:
            kept = tuple(dict.fromkeys(name.lower().rstrip(".") for name in names))
            if first is None:
                first = kept
                by_name.setdefault("", []).append(certificate)
            elif set(kept) == set(first):
                by_name[""].append(certificate)
            for name in kept:
                by_name.setdefault(name, []).append(certificate)
        self._by_name: Mapping[str, tuple[T, ...]] = {name: tuple(found) for name, found in by_name.items()}

    @property
    def groups(self) -> frozenset[tuple[T, ...]]:
        """All groups that a name can get."""
        return frozenset(self._by_name.values())

    @property
    def default(self) -> tuple[T, ...]:
        """The group of clients without a matching name; empty without certificates."""
        return self._by_name.get("", ())

    def of(self, name: str) -> tuple[T, ...]:
        """The group of a server name (RFC 6066 3)."""
        name = name.lower().rstrip(".")
        found = self._by_name.get(name) if name else None
        if found is None and "." in name:
            found = self._by_name.get("*." + name.partition(".")[2])
        return found if found is not None else self.default
