from __future__ import annotations

import pytest

from director.health.probes.exec import environment, judge
from director.model.pools import Address, Check

CHECK = Check("disk", "exec", command=("/bin/check",))


@pytest.mark.parametrize(
    ("where", "host", "port"),
    [
        (Address("10.0.0.1", 80), "10.0.0.1", "80"),
        (Address("::1", 80), "::1", "80"),
        (Address(path="/run/x.sock"), "/run/x.sock", ""),
    ],
    ids=str,
)
def test_a_program_is_told_what_it_checks_and_nothing_else(where: Address, host: str, port: str) -> None:
    told = environment(CHECK, where)
    assert told.pop("PATH")
    assert told == {
        "CHECK_NAME": "disk",
        "CHECK_ADDRESS": host,
        "CHECK_PORT": port,
        # haproxy's configuration manual, "external-check command".
        "HAPROXY_SERVER_ADDR": host,
        "HAPROXY_SERVER_PORT": port,
    }


@pytest.mark.parametrize(
    ("status", "output", "judgement"),
    [
        (0, b"", (True, "exit 0")),
        (0, b"OK - 12 ms\n|perf\n", (True, "exit 0: 'OK - 12 ms'")),
        (2, b"\n CRITICAL \x1b[1m\n", (False, "exit 2: 'CRITICAL ?[1m'")),
        (-15, b"", (False, "ended by signal 15")),
    ],
)
def test_only_zero_is_up(status: int, output: bytes, judgement: tuple[bool, str]) -> None:
    assert judge(status, output) == judgement
