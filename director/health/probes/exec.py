"""`exec = PROGRAM ARGUMENTS`: a program of the user's, without a shell; 0 is up, every other end is down.

The address is told in its environment, which holds nothing else: `CHECK_ADDRESS`, `CHECK_PORT` and
`CHECK_NAME`, and, for scripts that were written for HAProxy's external checks, `HAPROXY_SERVER_ADDR` and
`HAPROXY_SERVER_PORT`.
"""

from __future__ import annotations

from director.health.probes.base import Judgement, shown
from director.model.pools import Address, Check

OUTPUT_KEPT = 256
"""Octets of what the program says that may be shown."""
SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(check: Check, where: Address) -> dict[str, str]:
    """What the program is told."""
    host, port = where.path or where.endpoint or where.host, str(where.port or "")
    return {
        "PATH": SEARCHED,
        "CHECK_NAME": check.name,
        "CHECK_ADDRESS": host,
        "CHECK_PORT": port,
        "HAPROXY_SERVER_ADDR": host,
        "HAPROXY_SERVER_PORT": port,
    }


def judge(status: int, output: bytes) -> Judgement:
    """How it ended: an exit status, or a signal as a negative number; and the first line that it said."""
    line = output.strip().partition(b"\n")[0].strip()
    said = f": {shown(line)}" if line else ""
    if status == 0:
        return True, f"exit 0{said}"
    ended = f"exit {status}" if status > 0 else f"ended by signal {-status}"
    return False, f"{ended}{said}"
