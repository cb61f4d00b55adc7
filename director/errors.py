"""The error families of the director.

Two families, never mixed: *ours* (a caller broke a contract: `DirectorError`
and below) and *theirs* (bytes or orders from outside were wrong).  An error of
theirs carries what the shell needs to answer: a status, a drop reason, or the
errno-like word of an LVS command.  This module knows nothing of any layer.
"""

from __future__ import annotations

import errno


class DirectorError(Exception):
    """A contract inside the program was broken, or an order cannot be carried out."""


class LeaseError(DirectorError):
    """A lease was released twice."""


class ChangeRefused(DirectorError):
    """A registry change is not valid; nothing of it was applied.

    Attributes:
        code: the errno word of IPVS for the same mistake (`EEXIST`, `ESRCH`, `ENOENT`,
            `EINVAL`, `ERANGE`, `EBUSY`, `EPERM`), so that commands can print LVS's own text.
        at: the object meant, such as `pool web` or `web/a`.
    """

    def __init__(self, code: str, message: str, at: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.at = at


class SchedulerError(DirectorError):
    """A scheduler cannot be made: unknown name, bad argument, or its `start` raised."""


class StoreError(DirectorError):
    """What an earlier run kept cannot be used; the sentence says why."""


class ConfigError(DirectorError):
    """A configuration cannot be used; `problems` lists every reason, in file order."""

    def __init__(self, problems: tuple[object, ...]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the configuration")
        self.problems = problems


def unbound(error: BaseException | None, path: str = "") -> str:
    """Why an address could not be listened on, and what to do; `path` is that of a unix socket.

    Takes an OSError, or an error that holds one as `socketError` (Twisted's CannotListenError).
    """
    cause = getattr(error, "socketError", error)
    code, reason = getattr(cause, "errno", None), getattr(cause, "strerror", None) or str(cause)
    if not path:
        return _REMEDIES.get(code or 0, str(reason))
    remedy = _PATH_REMEDIES.get(code or 0)
    return f"{reason}; {remedy}" if remedy else str(reason)


_REMEDIES = {
    errno.EADDRINUSE: "the address is in use; "
    "stop the other program (ss -ltnp shows it) or choose another port",
    errno.EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE; "
    "grant it (see etc/director.service) or choose a port above",
    errno.EADDRNOTAVAIL: "this machine does not have that address; "
    "add it (ip address add) or listen on another",
}
"""What to do about a bind that failed (bind(2))."""

_WRITABLE = "make its directory writable for this user, or name another"
_PATH_REMEDIES = {
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.EROFS: _WRITABLE,
    errno.ENOENT: _WRITABLE,
    errno.EADDRINUSE: "stop the other program (ss -lxp shows it) or name another path",
}
"""The same for the path of a unix socket (unix(7))."""


class TheirsError(Exception):
    """Something from outside was wrong."""


class MessageError(TheirsError):
    """An HTTP message that must not be forwarded.

    Attributes:
        status: the status to answer a client with (400, 413, 414, 417, 431, 501, 505);
            a shell that reads from a server answers 502 whatever it says.
        reason: a short noun phrase, used as counter name, log word and answer text.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class PacketError(TheirsError):
    """A frame that must be dropped; `reason` names the counter, such as `short_tcp`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
