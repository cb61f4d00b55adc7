"""The whole schema: every kind of section by its name, and what the program does not do yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from director.config.schema import drills, general, guards, l4, l7, pools, tls
from director.config.schema.shape import Key, Kind

KINDS: tuple[Kind, ...] = (
    general.DIRECTOR,
    general.ADMIN,
    general.USER,
    *l7.KINDS,
    *pools.KINDS,
    general.PAGE,
    tls.CERT,
    tls.ACME,
    *l4.KINDS,
    general.DEMO,
    general.SCHEDULER,
    general.TEST,
    guards.GUARD,
    *drills.KINDS,
)
"""All kinds, in the order of the reference."""

_BY_NAME: Mapping[tuple[str, bool], Kind] = {(kind.kind, bool(kind.named)): kind for kind in KINDS}
_EXACT: Mapping[Kind, Mapping[str, Key]] = {
    kind: {key.name: key for key in kind.keys if not key.prefix} for kind in KINDS
}
_PREFIXES: Mapping[Kind, tuple[tuple[str, Key], ...]] = {
    kind: tuple((key.prefix, key) for key in kind.keys if key.prefix) for kind in KINDS
}


def kind_of(word: str, *, named: bool) -> Kind | None:
    """The kind of `[word]` or `[word:…]`, or None."""
    return _BY_NAME.get((word, named))


def key_of(kind: Kind, name: str) -> Key | None:
    """The key of that name, or the one that stands for all names with its beginning; or None."""
    found = _EXACT[kind].get(name)
    if found is not None:
        return found
    for prefix, key in _PREFIXES[kind]:
        if name.startswith(prefix) and len(name) > len(prefix):
            return key
    return None


@frozen(eq=False)
class Unavailable:
    """Something that is understood and checked but not done yet.

    `key` '' means the whole section; `when` says for which values (None = all).  `sentence` is
    printed as the error, `hint` below it.
    """

    kind: str
    named: bool
    key: str
    sentence: str
    hint: str = "remove it for now"
    when: Callable[[object], bool] | None = None


_A_DAY = "this version remembers destinations for a day"
DAY = 86400

UNAVAILABLE: tuple[Unavailable, ...] = (
    Unavailable(
        "l4",
        named=False,
        key="engine",
        sentence="this version has no program in the kernel",
        hint="write engine = raw, or remove the line",
        when=lambda value: value == "bpf",
    ),
    *(
        Unavailable("l4", named=False, key=key, sentence=_A_DAY, when=lambda value: value != DAY)
        for key in ("lblc_expiration", "lblcr_expiration")
    ),
)
"""What is refused for now; to make something available, delete its row."""


def availability(kind: Kind, key: str) -> str:
    """The sentence of the first row that stands in the way of a key (or section, for ''), or ''."""
    for row in UNAVAILABLE:
        if (row.kind, row.named, row.key) == (kind.kind, bool(kind.named), key):
            return row.sentence
    return ""
