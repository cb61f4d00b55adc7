"""Runs the corpus against HAProxy and prints where it differs: a check of the corpus, not of HAProxy.

`python -m tests.conformance.http.second_opinion`; needs `haproxy`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.conformance.http.corpus import CASES
from tests.conformance.http.model import complaints
from tests.conformance.http.socket_adapter import SocketJudge
from tests.support.origin import Origin
from tests.support.running import Haproxy

CFG = """
global
    maxconn 2000
    tune.maxrewrite 1024
    tune.bufsize 65536
    tune.http.maxhdr 1000
defaults
    mode http
    timeout connect 2s
    timeout client 3s
    timeout server 10s
    timeout http-request 3s
    http-reuse safe
frontend www
    bind 127.0.0.1:{{listen}}
    default_backend origin
backend origin
    server a {origin}
"""


def main() -> None:
    """Run all cases of the plain setting."""
    differ = 0
    cases = [
        case for case in CASES if case.setting == "plain" and case.id.startswith(tuple(sys.argv[1:]) or ("",))
    ]
    with (
        tempfile.TemporaryDirectory() as directory,
        Origin() as origin,
        Haproxy(CFG.format(origin=origin.address), Path(directory)) as proxy,
    ):
        judge = SocketJudge(proxy.place, origin)
        for case in cases:
            found = complaints(case, judge(case))
            differ += bool(found)
            if found:
                sys.stdout.write(f"{case.id}: {'; '.join(found)}\n")
    sys.stdout.write(f"{len(cases) - differ} of {len(cases)} as the corpus says\n")


if __name__ == "__main__":
    main()
