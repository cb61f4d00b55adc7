"""`twistd director`: options, the reactor, the log, and the way in (composition).

Everything that can be wrong before the program serves ends here, in one clear message and a status
that is not 0.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.python import usage

REACTOR = "twisted.internet.reactor"
"""The module under which Twisted keeps the one reactor once somebody has chosen it."""


class Options(usage.Options):
    """Run the director."""

    synopsis = "[options]"
    longdesc = (
        "A programmable load balancer for layers 4 and 7. SIGHUP reloads the configuration, SIGUSR1 "
        "reopens the access log, SIGUSR2 lets a new program take over, SIGTERM lets "
        "requests end and stops. See also: director --help"
    )
    optParameters = [  # noqa: RUF012 - Twisted's form
        ["config", "c", "etc/director.ini", "The configuration file."],
    ]
    optFlags = [["stock-reactor", None, "Use Twisted's own epoll reactor instead of the lean one."]]  # noqa: RUF012 - Twisted's form

    heritage: Any = None

    def postOptions(self) -> None:
        """Choose reactor and log before twistd does.

        A program that takes another's place stays what that one is: in front or a daemon, its user, its pid
        file.
        """
        if not self["stock-reactor"] and REACTOR not in sys.modules:
            from director.l7.io.reactor import install

            install()
        twistd: Any = self.parent
        if twistd is not None and not twistd.get("logger") and not twistd.get("syslog"):
            from director.program.logs import event_log

            event_log.target = twistd.get("logfile") or ("-" if twistd.get("nodaemon") else "twistd.log")
            twistd["logger"] = "director.program.logs.observer"
        self._inherit(twistd)

    def _inherit(self, twistd: Any) -> None:
        from director.errors import DirectorError
        from director.program.upgrade.heritage import heritage
        from director.program.upgrade.pidfile import PidFile

        try:
            self.heritage = heritage(PidFile(twistd))
        except DirectorError as error:
            raise SystemExit(str(error)) from error
        if self.heritage.pending and twistd is not None:
            for name, value in (("nodaemon", True), ("uid", None), ("gid", None), ("chroot", None)):
                if name in twistd:
                    twistd[name] = value


def makeService(options: Options) -> IService:
    """The whole program as one service.

    Ends with status 1 when the configuration has errors, or the system lacks what it asks for; they are on
    standard error then.
    """
    from director.config.text.messages import render
    from director.program.configuration import read

    path = os.path.abspath(options["config"])  # noqa: PTH100 - twistd may change the directory
    candidate = read(options["config"])
    if candidate.problems:
        sys.stderr.write(render(candidate.problems) + "\n")
    if candidate.configuration is None:
        sys.stderr.write(f"{options['config']} has errors; nothing was started\n")
        raise SystemExit(1)
    from twisted.internet import reactor

    from director.errors import DirectorError
    from director.program.service import DirectorService

    try:
        return _Guarded(DirectorService(path, candidate, reactor, _owner(options.parent), options.heritage))
    except DirectorError as error:
        sys.stderr.write(f"the director cannot start: {error}\n")
        raise SystemExit(1) from error


def _owner(twistd: Any) -> tuple[int, int] | None:
    """Who twistd makes the process once it has started (`--uid`, `--gid`); -1 is who it is already."""
    user, group = (twistd.get(word) if twistd is not None else None for word in ("uid", "gid"))
    if user is None and group is None:
        return None
    return (-1 if user is None else int(user)), (-1 if group is None else int(group))


class _Guarded(MultiService):
    """Turns what stops a start (an address in use, a missing right) into a line and status 1."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self._prepared = False
        inner.setServiceParent(self)

    def privilegedStartService(self) -> None:
        """Start, or end with one clear line."""
        self._prepared = True
        from director.errors import DirectorError

        try:
            super().privilegedStartService()
        except (DirectorError, OSError) as error:
            # Twisted has turned sys.stderr into a log by now, and the log is written by a thread.
            os.write(2, f"the director cannot start: {error}\n".encode())
            os._exit(1)

    def startService(self) -> None:
        """Serve; `twist` and `python -m twisted` have asked for nothing before."""
        if not self._prepared:
            self.privilegedStartService()
        super().startService()
