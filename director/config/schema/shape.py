"""What a table of the schema consists of: kinds of sections and their keys.

The tables (`general`, `pools`, `l7`, `l4`) are data of these two shapes; `tables` joins them, `build`
reads sections by them, `reference` prints them.
"""

from __future__ import annotations

from attrs import frozen

from director.config.parse.values import Parser
from director.config.text.reader import Piece, Value


@frozen(eq=False)
class Key:
    """One key of a section.

    `takes` names the form of the value and `default` is written as in the ini ('' = none).  A `name`
    that ends in `.NAME`, or in a space and a word in capitals, stands for all keys that begin so.  `path`
    marks values that name a file.
    """

    name: str
    takes: str
    parse: Parser
    doc: str
    default: str = ""
    example: str = ""
    required: bool = False
    path: bool = False

    @property
    def prefix(self) -> str:
        """How all keys begin for which this one stands; "" when it is one key."""
        if self.name.endswith(".NAME"):
            return self.name.removesuffix("NAME")
        word, space, rest = self.name.partition(" ")
        return word + space if rest.isupper() else ""

    def standard(self) -> object:
        """The default as a value; None when there is none."""
        if not self.default:
            return None
        return self.parse(Value(self.default, self.default, "", (Piece(0, 0, 0, ""),)))


@frozen(eq=False)
class Kind:
    """One kind of section: `[kind]`, or `[kind:…]` when `named` says what stands behind the colon."""

    kind: str
    named: str
    doc: str
    keys: tuple[Key, ...]

    @property
    def heading(self) -> str:
        """The section as it is written: `[pool:NAME]`."""
        return f"[{self.kind}:{self.named}]" if self.named else f"[{self.kind}]"
