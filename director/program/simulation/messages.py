"""HTTP/1 as the players speak it: written again, and simply, so that a mistake of the director's is seen.

A `Reader` takes octets and gives messages; it refuses what no message may be (`Unreadable`).  The octets of a
body follow from its label, so whoever has a part of one knows whether it is right.
"""

from __future__ import annotations

from collections.abc import Callable

HEAD_END = b"\r\n\r\n"
LONGEST_HEAD = 1 << 20
BODILESS = frozenset({204, 304})


class Unreadable(ValueError):  # noqa: N818 - it is what the octets are
    """The octets are no message."""


def body_of(label: str, size: int) -> bytes:
    """The octets of a body."""
    if not size:
        return b""
    unit = f"{label}|".encode()
    return (unit * (size // len(unit) + 1))[:size]


def chunks(body: bytes, length: int) -> bytes:
    """A body in chunks of so many octets, and its end."""
    made = [
        b"%x\r\n%b\r\n" % (len(body[at : at + length]), body[at : at + length])
        for at in range(0, len(body), length)
    ]
    return b"".join(made) + b"0\r\n\r\n"


class Message:
    """One message, as far as it has come.

    Attributes:
        words: those of its first line.
        fields: by their names in lower case, the last value of each.
        whole: nothing is missing.  to_close: it ends with its connection.
        began: octets of the stream that came before it.
    """

    def __init__(self, head: bytes, began: int) -> None:
        first, *lines = head.split(b"\r\n")
        self.words = first.decode("latin-1").split(" ", 2)
        self.fields: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or name != name.strip():
                raise Unreadable(f"a field without a name: {line[:40]!r}")
            self.fields[name.lower()] = value.strip()
        self.body = bytearray()
        self.whole = False
        self.to_close = False
        self.began = began

    @property
    def status(self) -> int:
        """Of a response."""
        if len(self.words) < 2 or not self.words[0].startswith("HTTP/1.") or not self.words[1].isdigit():
            raise Unreadable(f"no status line: {' '.join(self.words)[:40]!r}")
        return int(self.words[1])

    @property
    def last(self) -> bool:
        """Its connection ends behind it."""
        return self.to_close or self.fields.get("connection", "").lower() == "close"


class Reader:
    """Reads the messages of one side of a connection.

    Args:
        bare: whether the answer that begins now has no body, whatever it says (to HEAD); None reads requests.

    Attributes:
        began: the message that is being read, None between two.
        taken: octets of messages that were read.
    """

    def __init__(self, bare: Callable[[], bool] | None = None) -> None:
        self._bare = bare
        self._buffer = bytearray()
        self._left = 0
        self._chunked = False
        self.began: Message | None = None
        self.taken = 0

    @property
    def rest(self) -> int:
        """Octets that belong to no message yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """More octets."""
        self._buffer += data

    def next(self) -> Message | None:
        """The message under way once its head is here, again until it is `whole`; None without one."""
        if self.began is None and not self._head():
            return None
        message = self.began
        if message is not None:
            self._body(message)
            if message.whole:
                self.began = None
        return message

    def _head(self) -> bool:
        end = self._buffer.find(HEAD_END)
        if end < 0:
            if len(self._buffer) > LONGEST_HEAD:
                raise Unreadable("a head without an end")
            return False
        head = bytes(self._buffer[:end])
        message = self.began = Message(head, self.taken)
        self._cut(end + len(HEAD_END))
        self._frame(message)
        return True

    def _frame(self, message: Message) -> None:
        length = message.fields.get("content-length")
        self._chunked = message.fields.get("transfer-encoding", "").lower() == "chunked"
        if self._chunked and length is not None:
            raise Unreadable("both a length and chunks")
        self._left = 0
        if self._bare is not None:
            status = message.status
            if status < 200 or status in BODILESS or self._bare():
                self._chunked = False
                return
            if not self._chunked and length is None:
                message.to_close = True
        if length is not None:
            if not length.isdigit():
                raise Unreadable(f"a length that is no number: {length!r}")
            self._left = int(length)

    def _cut(self, octets: int) -> None:
        del self._buffer[:octets]
        self.taken += octets

    def _body(self, message: Message) -> None:
        if self._chunked:
            while self._chunk(message):
                pass
            return
        take = len(self._buffer) if message.to_close else min(self._left, len(self._buffer))
        message.body += self._buffer[:take]
        self._cut(take)
        self._left -= take
        message.whole = not message.to_close and self._left == 0

    def _chunk(self, message: Message) -> bool:
        """Take one chunk, or the end; False when it is not here whole."""
        line = self._buffer.find(b"\r\n")
        if line < 0:
            return False
        try:
            size = int(bytes(self._buffer[:line]).partition(b";")[0], 16)
        except ValueError as error:
            raise Unreadable(f"no length of a chunk: {bytes(self._buffer[:line])[:40]!r}") from error
        if size == 0:
            end = self._buffer.find(b"\r\n\r\n", line)
            if end < 0:
                return False
            self._cut(end + 4)
            message.whole = True
            return False
        if len(self._buffer) < line + 2 + size + 2:
            return False
        if self._buffer[line + 2 + size : line + 4 + size] != b"\r\n":
            raise Unreadable("a chunk that is longer than it says")
        message.body += self._buffer[line + 2 : line + 2 + size]
        self._cut(line + 2 + size + 2)
        return True

    def close(self) -> Message | None:
        """The connection ended properly: the message that ends with it, if there is one."""
        message = self.began
        if message is None or not message.to_close:
            return None
        self.began = None
        message.whole = True
        return message
