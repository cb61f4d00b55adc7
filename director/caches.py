"""Caches with names: each has a bound, and figures that everybody can read.

What the program remembers of a pure function is remembered here, so that no cache is without a count.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Function = TypeVar("Function", bound="Callable[..., Any]")

_figures: dict[str, Callable[[], Any]] = {}


@frozen
class CacheFigures:
    """How a cache serves.

    Attributes:
        entries: how many it holds now, of at most `limit`; a new one pushes out the one unused longest.
        hits, misses: since the start; None where nobody counts them.
    """

    name: str
    entries: int
    limit: int
    hits: int | None = None
    misses: int | None = None


def remember(name: str, size: int) -> Callable[[Function], Function]:
    """Decorator: remember the last `size` results of a pure function, counted as `name`.

    Source: `functools.lru_cache`, which counts for itself, so that a call costs nothing more.
    """

    def decorate(function: Function) -> Function:
        remembered = lru_cache(maxsize=size)(function)
        _figures[name] = remembered.cache_info
        return cast("Function", remembered)

    return decorate


def figures() -> list[CacheFigures]:
    """All caches of the modules that are loaded, by name."""
    found = [(name, read()) for name, read in sorted(_figures.items())]
    return [CacheFigures(name, one.currsize, one.maxsize, one.hits, one.misses) for name, one in found]


def added(found: Iterable[CacheFigures]) -> list[CacheFigures]:
    """The caches of several processes as one, by name: each has its own of the same size."""
    sums: dict[str, CacheFigures] = {}
    for one in found:
        other = sums.get(one.name)
        sums[one.name] = one if other is None else _sum(other, one)
    return [sums[name] for name in sorted(sums)]


def _sum(one: CacheFigures, other: CacheFigures) -> CacheFigures:
    hits, misses = ((one.hits or 0) + (other.hits or 0), (one.misses or 0) + (other.misses or 0))
    return CacheFigures(one.name, one.entries + other.entries, one.limit + other.limit, hits, misses)
