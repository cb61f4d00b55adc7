"""Conditions compiled to closures: what layer 7 runs for each rule and request.

`compile_condition` turns the tree into one function of `Facts`.  It returns None for no match, else
the captured groups; nothing is allocated unless a regular expression captured something.  A path has
several readings, and cookies and query parameters may be repeated: a term holds when any of them does,
so that no other spelling slips past a rule that denies; under `not` all must fail.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType

from director.caches import remember
from director.conditions.facts import FOLDED, NAMED, Facts, expression
from director.conditions.regexes import Expression, Found, TooLong
from director.config.parse.addresses import network
from director.errors import MessageError
from director.model.conditions import And, Condition, Not, Or, Term

Groups = Mapping[str, str]
"""Captured groups: `1`, `2` and names of the first regular expression that matched, and the same
qualified by fact (`path.1`) for the first one on each fact; groups that took no part are absent."""

BODY = "body"
"""A fact of answers to health checks: sent by own servers, bounded by the probe, without groups."""

NO_GROUPS: Groups = MappingProxyType({})
"""A match without captured groups."""

Match = Callable[[Facts], Groups | None]
_Test = Callable[[Facts], bool]
_Compare = Callable[[str], bool]


def compile_condition(condition: Condition | None) -> Match:
    """The function that says whether a request meets `condition`; None is always met."""
    if condition is None:
        return lambda _: NO_GROUPS
    if captures(condition):
        return _capturing(condition)
    return _answer(condition)


def captures(condition: Condition) -> bool:
    """True when a match can capture groups."""
    if isinstance(condition, Term):
        return condition.operator == "~" and condition.fact != BODY and _pattern_of(condition).groups > 0
    return not isinstance(condition, Not) and any(captures(part) for part in condition.parts)


def group_names(condition: Condition | None) -> frozenset[str]:
    """The keys that `Groups` can have when `condition` matches."""
    if condition is None or isinstance(condition, Not):
        return frozenset()
    if not isinstance(condition, Term):
        return frozenset().union(*(group_names(part) for part in condition.parts))
    if condition.operator != "~":
        return frozenset()
    pattern = _pattern_of(condition)
    plain = {*map(str, range(1, pattern.groups + 1)), *pattern.names}
    return frozenset(plain | {f"{condition.fact}.{name}" for name in plain})


def _pattern_of(term: Term) -> Expression:
    return expression(term.fact, term.values[0])


def _answer(condition: Condition) -> Match:
    """A condition that captures nothing, with the common pair of terms unrolled."""
    if not isinstance(condition, (Term, Not)) and len(condition.parts) == 2:
        first, second = (_test(part) for part in condition.parts)
        if isinstance(condition, And):
            return lambda facts: NO_GROUPS if first(facts) and second(facts) else None
        return lambda facts: NO_GROUPS if first(facts) or second(facts) else None
    test = _test(condition)
    return lambda facts: NO_GROUPS if test(facts) else None


# --- true or false ---------------------------------------------------------------------


def _test(condition: Condition) -> _Test:
    if isinstance(condition, Term):
        return _term(condition)
    if isinstance(condition, Not):
        inner = _test(condition.part)
        return lambda facts: not inner(facts)
    tests = tuple(_test(part) for part in condition.parts)
    if isinstance(condition, And):
        return _every(tests)
    return _some(tests)


def _every(tests: tuple[_Test, ...]) -> _Test:
    def every(facts: Facts) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test(facts):
                return False
        return True

    return every


def _some(tests: tuple[_Test, ...]) -> _Test:
    def some(facts: Facts) -> bool:
        for test in tests:  # noqa: SIM110 - as above
            if test(facts):
                return True
        return False

    return some


def _term(term: Term) -> _Test:
    if term.operator == "~":
        return _fits(term)
    if term.fact in NAMED:
        return _named(term)
    if term.fact == "client":
        return _client(term.values)
    if term.fact == "path":
        return _begins(term.values[0]) if term.operator == "^=" else _path(_compare(term))
    compare = _compare(term)
    if term.fact == "host":
        if term.operator == "=":
            name = term.values[0]
            return lambda facts: facts.host == name
        return _host(term.values) if term.operator == "in" else lambda facts: compare(facts.host)
    get = attrgetter(term.fact)
    return lambda facts: compare(get(facts))


def _path(compare: _Compare) -> _Test:
    def test(facts: Facts) -> bool:
        if compare(facts.path):
            return True
        others = facts.other_paths
        return bool(others) and any(map(compare, others))

    return test


def _begins(value: str) -> _Test:
    """The commonest path term, without the call of a comparison."""

    def test(facts: Facts) -> bool:
        if facts.path.startswith(value):
            return True
        others = facts.other_paths
        return bool(others) and any(other.startswith(value) for other in others)

    return test


def _named(term: Term) -> _Test:
    name = term.name
    lookup = _LOOKUPS[term.fact]
    if term.operator == "exists":
        return lambda facts: bool(lookup(facts, name))
    compare = _compare(term)
    return lambda facts: any(map(compare, lookup(facts, name)))


_LOOKUPS: Mapping[str, Callable[[Facts, str], tuple[str, ...]]] = {
    "header": lambda facts, name: facts.headers(name),
    "cookie": lambda facts, name: facts.cookies(name),
    "query": lambda facts, name: facts.queries(name),
}


def _compare(term: Term) -> _Compare:
    """The comparison of a term as a function of the fact's text."""
    if term.operator == "exists":
        return bool
    if term.operator == "in" and term.fact in FOLDED:
        return _hosts(term.values)
    if term.operator in {"=", "in"}:
        return frozenset(term.values).__contains__
    value = term.values[0]
    if term.operator == "^=":
        return lambda text: text.startswith(value)
    if term.operator == "$=":
        return lambda text: text.endswith(value)
    return lambda text: value in text


def _host(values: tuple[str, ...]) -> _Test:
    """The request's host is one of these names (see `_hosts`), in one call."""
    if not any(value[:2] == "*." for value in values):
        names = frozenset(values)
        return lambda facts: facts.host in names
    compare = _hosts(values)
    exact = frozenset(value for value in values if value[:2] != "*.")
    ends = tuple(value[1:] for value in values if value[:2] == "*.")
    return lambda facts: facts.host in exact or (facts.host.endswith(ends) and compare(facts.host))


def _hosts(values: tuple[str, ...]) -> _Compare:
    """Host names, of which `*.b` stands for all names with labels before `.b`."""
    exact = frozenset(value for value in values if value[:2] != "*.").__contains__
    ends = tuple(value[1:] for value in values if value[:2] == "*.")
    if not ends:
        return exact
    bare = frozenset(ends)
    return lambda host: exact(host) or (host.endswith(ends) and _has_label(host, ends, bare))


def _has_label(host: str, ends: tuple[str, ...], bare: frozenset[str]) -> bool:
    """True when something stands before one of the endings that `host` has."""
    return host not in bare or any(host.endswith(end) and len(host) > len(end) for end in ends)


# --- clients ---------------------------------------------------------------------------


@remember("client_numbers", 8192)
def _number(client: str) -> tuple[int, int]:
    """(IP version, address as a number); (0, 0) for what is no address (a unix socket's client)."""
    try:
        found = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return 0, 0
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.version, int(found)


def _client(values: tuple[str, ...]) -> _Test:
    """Clients in networks: for each prefix length one mask and one look into a set."""
    masks: dict[int, dict[int, set[int]]] = {4: {}, 6: {}, 0: {}}
    for value in values:
        net = network(value)
        masks[net.version].setdefault(int(net.netmask), set()).add(int(net.network_address))
    tables = {version: tuple(found.items()) for version, found in masks.items()}

    def test(facts: Facts) -> bool:
        version, number = _number(facts.client)
        for mask, nets in tables[version]:  # noqa: SIM110 - as above
            if number & mask in nets:
                return True
        return False

    return test


# --- captured groups -------------------------------------------------------------------


def _capturing(condition: Condition) -> Match:
    if isinstance(condition, Term) and captures(condition):
        return _search(condition)
    if isinstance(condition, And) and captures(condition):
        return _join(tuple(_capturing(part) for part in condition.parts))
    if isinstance(condition, Or) and captures(condition):
        return _first(tuple(_capturing(part) for part in condition.parts))
    return _answer(condition)


def _join(parts: tuple[Match, ...]) -> Match:
    def every(facts: Facts) -> Groups | None:
        found = NO_GROUPS
        for part in parts:
            groups = part(facts)
            if groups is None:
                return None
            if groups:
                found = {**groups, **found}
        return found

    return every


def _first(parts: tuple[Match, ...]) -> Match:
    def some(facts: Facts) -> Groups | None:
        for part in parts:
            groups = part(facts)
            if groups is not None:
                return groups
        return None

    return some


def _search(term: Term) -> Match:
    pattern = _pattern_of(term)
    named = {number: name for name, number in pattern.names.items()}
    keys = []
    for number in range(1, pattern.groups + 1):
        own = [str(number)] + ([named[number]] if number in named else [])
        keys.append((number, (*own, *(f"{term.fact}.{key}" for key in own))))

    def groups(found: Found) -> Groups:
        return {key: text for number, own in keys if (text := found[number]) is not None for key in own}

    search, most, texts = pattern.search, pattern.most, _texts(term)

    def match(facts: Facts) -> Groups | None:
        held = texts(facts)
        if len(held) > 1 or len(held[0] if held else "") > most:
            _bound(term, held, most)
        for text in held:
            try:
                found = search(text)
            except TooLong:
                raise _too_long(term) from None
            if found is not None:
                return groups(found)
        return None

    direct, short = pattern.direct, pattern.most_of_groups

    def path(facts: Facts) -> Groups | None:
        """The commonest search, without calls where nothing is found."""
        text = facts.path
        if len(text) > short or facts.other_paths:
            return match(facts)
        found = direct(text)
        return None if found is None else groups(found)

    return path if term.fact == "path" else match


# --- regular expressions -----------------------------------------------------------------


def _fits(term: Term) -> _Test:
    """A term with `~`, whose groups nobody wants."""
    pattern = _pattern_of(term)
    contains, most, texts = pattern.contains, pattern.most, _texts(term)

    def test(facts: Facts) -> bool:
        held = texts(facts)
        _bound(term, held, most)
        return any(map(contains, held))

    if term.fact == BODY:
        return lambda facts: any(map(contains, texts(facts)))

    def path(facts: Facts) -> bool:
        text = facts.path
        if len(text) > most or facts.other_paths:
            return test(facts)
        return contains(text)

    return path if term.fact == "path" else test


def _bound(term: Term, texts: tuple[str, ...], most: int) -> None:
    """All that is looked at for a request is bounded, in however many values it comes."""
    if sum(map(len, texts)) > most:
        raise _too_long(term)


def _too_long(term: Term) -> MessageError:
    """What cannot be judged is refused: a rule that denies must not be passed by sheer length."""
    status = 431 if term.fact in {"header", "cookie"} else 414
    return MessageError(status, f"the {term.fact} is too long for a rule's regular expression")


def _texts(term: Term) -> Callable[[Facts], tuple[str, ...]]:
    """The values of a fact, as an expression shall see them."""
    if term.fact == "path":
        return lambda facts: (facts.path, *facts.other_paths)
    if term.fact == BODY:
        return lambda facts: _with_ends(getattr(facts, BODY))
    if term.fact not in NAMED:
        get = attrgetter(term.fact)
        return lambda facts: (get(facts),)
    lookup, name = _LOOKUPS[term.fact], term.name
    if term.fact != "query" or not _pattern_of(term).ends:
        return lambda facts: lookup(facts, name)
    return lambda facts: tuple(text for value in lookup(facts, name) for text in _with_ends(value))


def _with_ends(value: str) -> tuple[str, ...]:
    """A text that can hold line ends: `$` also holds in front of a last one (Python's `re`)."""
    return (value, value[:-1]) if value[-1:] == "\n" else (value,)
