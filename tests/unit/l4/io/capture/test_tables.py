"""Against a small model of what the kernel does with tables: owners, sessions, transactions."""

from __future__ import annotations

import re

import pytest

from director.errors import DirectorError
from director.l4.io.capture.tables import SPARE, Tables, removal

RULES, OTHERS = "  chain a { accept }\n", "  chain b { drop }\n"
_BODY = re.compile(r"table netdev (\S+) \{\n(.*?)^\}\n", re.MULTILINE | re.DOTALL)
_ORDER = re.compile(r"^(add|delete) table netdev (\S+)\n", re.MULTILINE)


class Kernel:
    """Tables by name, whether they are owned, and what they hold."""

    def __init__(self, *, owners: bool = True) -> None:
        self.tables: dict[str, str] = {}
        self.owned: set[str] = set()
        self.owners = owners

    def flush(self) -> None:
        """`nft flush ruleset` of somebody else."""
        self.tables = {name: text for name, text in self.tables.items() if name in self.owned}


class Session:
    lasting = True

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.refuse = ""

    def __call__(self, text: str) -> str:
        kernel = self.kernel
        if text.startswith("list table netdev "):
            name = text.rsplit(maxsplit=1)[-1]
            if name not in kernel.tables:
                raise DirectorError("No such file or directory")
            return f"table netdev {name} {{\n{kernel.tables[name]}}}\n"
        if self.refuse and self.refuse in text:
            raise DirectorError("syntax error")
        if "flags owner" in text and not kernel.owners:
            raise DirectorError("Operation not supported")
        tables, owned = dict(kernel.tables), set(kernel.owned)
        for match in re.finditer(f"{_ORDER.pattern}|{_BODY.pattern}", text, re.MULTILINE | re.DOTALL):
            self._order(match, tables, owned)
        kernel.tables, kernel.owned = tables, owned
        return ""

    @staticmethod
    def _order(match: re.Match[str], tables: dict[str, str], owned: set[str]) -> None:
        verb, name, made, body = match.groups()
        if verb == "add":
            if name in owned:
                raise DirectorError("Operation not supported")
            tables.setdefault(name, "")
        elif verb == "delete":
            if name not in tables:
                raise DirectorError("No such file or directory")
            del tables[name]
            owned.discard(name)
        else:
            tables[made] = body
            if "flags owner" in body:
                owned.add(made)

    def close(self) -> None:
        for name in self.kernel.owned:
            del self.kernel.tables[name]
        self.kernel.owned.clear()


def test_one_with_an_owner_and_a_spare_without() -> None:
    kernel = Kernel()
    tables = Tables("director-x", Session(kernel))
    tables.replace(RULES)
    assert kernel.owned == {"director-x"}
    assert kernel.tables["director-x" + SPARE] == RULES
    assert tables.intact()
    tables.replace(OTHERS)
    assert kernel.tables["director-x" + SPARE] == OTHERS
    tables.remove()
    assert kernel.tables == {}


def test_a_flush_takes_the_spare_only_and_it_comes_back() -> None:
    kernel = Kernel()
    tables = Tables("director-x", Session(kernel))
    tables.replace(RULES)
    kernel.flush()
    assert kernel.tables.keys() == {"director-x"}
    assert not tables.intact()
    tables.replace(RULES)
    assert tables.intact()


def test_a_death_leaves_the_spare_and_the_next_life_takes_it_over() -> None:
    kernel = Kernel()
    session = Session(kernel)
    Tables("director-x", session).replace(RULES)
    session.close()
    assert kernel.tables == {"director-x" + SPARE: RULES}
    after = Tables("director-x", Session(kernel))
    after.replace(OTHERS)
    assert after.intact()
    after.remove()
    assert kernel.tables == {}


@pytest.mark.parametrize("lasting", [True, False])
def test_without_owners_there_is_one_table(lasting: bool) -> None:
    kernel = Kernel(owners=False)
    session = Session(kernel)
    session.lasting = lasting
    tables = Tables("director-x", session)
    tables.replace(RULES)
    assert kernel.tables == {"director-x": RULES}
    assert tables.intact()
    kernel.tables["director-x"] = ""
    assert not tables.intact()
    tables.replace(RULES)
    assert tables.intact()
    tables.remove()
    assert kernel.tables == {}


def test_rules_that_are_refused_leave_those_of_before() -> None:
    kernel = Kernel()
    session = Session(kernel)
    tables = Tables("director-x", session)
    session.refuse = "chain b"
    with pytest.raises(DirectorError, match="syntax"):
        tables.replace(OTHERS)
    tables.replace(RULES)
    with pytest.raises(DirectorError, match="syntax"):
        tables.replace(OTHERS)
    assert kernel.tables["director-x"].endswith(RULES)


def test_the_same_rules_are_not_put_there_twice() -> None:
    """Their counts go on."""
    kernel = Kernel()
    session = Session(kernel)
    tables = Tables("director-x", session)
    tables.replace(RULES)
    session.refuse = "chain a"
    tables.replace(RULES)
    kernel.flush()
    with pytest.raises(DirectorError):
        tables.replace(RULES)


def test_a_removal_needs_no_table() -> None:
    kernel = Kernel()
    Session(kernel)(removal("director-x"))
    assert kernel.tables == {}
