"""The director's nftables tables: replaced whole, guarded against others, looked at again.

`nft flush ruleset`, which a firewall's reload begins with, takes every table away that has no owner, and the
host's stack would answer for the virtual addresses until the rules are back.  A table with `flags owner`
(Linux 5.12) is changed by nobody but the netlink socket that made it; but it dies with that socket, and a
director that was killed would leave its clients to the host.  So there are two with the same rules: one
with an owner, which survives what others do to the ruleset, and behind it a spare without, which survives
the director.  A packet that the first drops never meets the second.

Where the kernel knows no owners, or nftables runs as a command only, there is one table without.
`intact` compares what stands in the kernel with what was put there, to the letter.
"""

from __future__ import annotations

from director.errors import DirectorError
from director.l4.io.capture import nft

SPARE = "/spare"
"""Behind a table's name: `rules.table_name` never makes a name with a slash."""


def removal(table: str) -> str:
    """Text that removes the table, whether it is there or not."""
    return f"add table netdev {table}\ndelete table netdev {table}\n"


class Tables:
    """The tables of one director, under `name`."""

    def __init__(self, name: str, session: nft.NftSession) -> None:
        self.name = name
        self.spare = name + SPARE
        self._session = session
        self._owning = False
        self._may_own = session.lasting
        self._content = ""
        self._listed: str | None = None

    def replace(self, content: str) -> None:
        """Let the tables hold `content` and nothing else; what does already stays, with its counts.

        Raises DirectorError when the rules are refused; then those of before stay.
        """
        if content == self._content and self.intact():
            return
        self._listed = None
        if not self._may_own:
            self._session(removal(self.name) + _table(self.name, content))
        else:
            owned = _table(self.name, "  flags owner;\n" + content)
            try:
                self._session(self._away() + owned + removal(self.spare) + _table(self.spare, content))
            except DirectorError as error:
                self._replace_plain(content, error)
            else:
                self._owning = True
        self._listed, self._content = self._list(), content

    def _replace_plain(self, content: str, refused: DirectorError) -> None:
        """Perhaps it is the owner that is refused, as by an older kernel; if not, `refused` says why."""
        if self._owning:
            raise refused
        try:
            self._session(self._away() + removal(self.spare) + _table(self.name, content))
        except DirectorError:
            raise refused from None
        self._may_own = False

    def _away(self) -> str:
        """Text that removes the first table.  One that we own is there, and cannot be added once more."""
        return f"delete table netdev {self.name}\n" if self._owning else removal(self.name)

    def intact(self) -> bool:
        """Nobody has changed what `replace` put there."""
        return self._listed is not None and self._listed == self._list()

    def owner(self) -> str:
        """Who says that the tables are his (`rules.content`); empty when there are none."""
        found = nft.owners(self._session, self.name)
        return found.get(self.name) or found.get(self.spare, "")

    def remove(self) -> None:
        """Take the tables away, whatever is left of them.  Raises DirectorError."""
        self._listed = None
        try:
            self._session(self._away() + removal(self.spare))
        finally:
            # Whatever was refused: what we own goes with the session.
            self._owning = False
            self._session.close()

    def close(self) -> None:
        """Release the session; what has an owner goes with it."""
        self._session.close()

    def _list(self) -> str | None:
        """None when a table is missing."""
        names = (self.name, self.spare) if self._owning else (self.name,)
        try:
            return "".join(self._session(f"list table netdev {name}\n") for name in names)
        except DirectorError:
            return None


def _table(name: str, content: str) -> str:
    return f"table netdev {name} {{\n{content}}}\n"
