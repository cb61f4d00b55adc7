"""The table of kinds: which probe a check makes.

A kind that talks over a connection is one row of `STREAMS`; one that sends a datagram and looks at what
comes back is one row of `DATAGRAMS`.  A new kind is a file and a row here, and a key of `[check:NAME]`.
"""

from __future__ import annotations

from collections.abc import Callable

from director.health.probes import dns, udp
from director.health.probes.agent import AgentProbe
from director.health.probes.base import Judgement, StreamProbe
from director.health.probes.grpc import GrpcProbe
from director.health.probes.http import HeadReader, HttpProbe
from director.health.probes.mysql import MysqlProbe
from director.health.probes.postgres import PostgresProbe
from director.health.probes.redis import RedisProbe
from director.health.probes.script import ScriptProbe
from director.health.probes.smtp import SmtpProbe
from director.health.probes.tcp import TcpProbe
from director.health.probes.tls import TlsProbe
from director.model.pools import Address, Check

STREAMS: dict[str, Callable[[Check, Address, HeadReader], StreamProbe]] = {
    "tcp": lambda _check, _address, _heads: TcpProbe(),
    "http": HttpProbe,
    "https": HttpProbe,
    "tls": lambda _check, _address, _heads: TlsProbe(),
    "grpc": lambda check, address, _heads: GrpcProbe(check, address),
    "agent": lambda _check, _address, _heads: AgentProbe(),
    "redis": lambda _check, _address, _heads: RedisProbe(),
    "postgres": lambda _check, _address, _heads: PostgresProbe(),
    "mysql": lambda _check, _address, _heads: MysqlProbe(),
    "smtp": lambda _check, _address, _heads: SmtpProbe(),
    "script": lambda check, _address, _heads: ScriptProbe(check.steps),
}
"""By kind: a probe of one address; `heads` reads the heads of an HTTP answer."""


def datagram(check: Check, identity: int) -> bytes:
    """What is sent; `identity` is a number that nobody can guess, for kinds that have one."""
    return dns.query(identity, *check.question) if check.kind == "dns" else check.payload


def judge_datagram(check: Check, asked: bytes, answer: bytes) -> Judgement | None:
    """What came back to `asked` says; None when it is no answer to that."""
    if check.kind == "dns":
        return dns.judge(asked, answer, check.terms)
    return udp.judge(answer, check.terms)


DATAGRAMS = frozenset({"dns", "udp"})
"""Kinds that send one datagram."""
PROTOCOLS: dict[str, tuple[bytes, ...]] = {"https": (b"http/1.1",), "grpc": (b"h2",)}
"""What is offered inside TLS (ALPN), by kind."""
GUESTS = frozenset({"agent"})
"""Kinds whose silence, or lack, says nothing about the server."""
