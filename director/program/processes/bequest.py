"""What a running process leaves to the next one: open descriptors under names (unix(7)).

It goes over a stream socket.  Each message is a line of names as JSON with as many descriptors in its
ancillary data; an empty list ends them.  Nothing else is sent before the new program has asked
something, so it reads exactly this.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping

from director.errors import DirectorError

AT_ONCE = 200
"""Descriptors of one message; the kernel takes 253 (SCM_MAX_FD)."""
LARGEST_LINE = 1 << 18
_END = b"[]\n"


def leave(to: socket.socket, descriptors: Mapping[str, int]) -> None:
    """Send all; they stay open here.  Raises OSError when the system does not take so many at once."""
    rows = list(descriptors.items())
    for start in range(0, len(rows), AT_ONCE):
        piece = rows[start : start + AT_ONCE]
        line = json.dumps([name for name, _ in piece]).encode() + b"\n"
        if socket.send_fds(to, [line], [descriptor for _, descriptor in piece]) != len(line):
            raise OSError(f"{len(rows)} descriptors are too many to be handed over")
    to.sendall(_END)


def take(left_by: socket.socket) -> dict[str, int]:
    """What was sent; none of it is inherited by further processes.

    Raises DirectorError when it does not arrive whole.
    """
    lines, descriptors = b"", list[int]()
    whole = False
    while not whole:
        line, got, flags, _ = socket.recv_fds(left_by, LARGEST_LINE, AT_ONCE)
        descriptors += got
        lines += line
        if not line or flags & socket.MSG_CTRUNC:
            for one in descriptors:
                os.close(one)
            why = "the running director is gone" if not line else "too few descriptors; raise LimitNOFILE"
            raise DirectorError(f"what the running director leaves did not arrive: {why}")
        whole = lines == _END or lines.endswith(b"\n" + _END)
    for one in descriptors:
        os.set_inheritable(one, False)
    names = [name for one in lines.splitlines() for name in json.loads(one)]
    return dict(zip(names, descriptors, strict=True))
