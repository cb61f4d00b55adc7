"""Sections `[pool:NAME]` and `[check:NAME]`."""

from __future__ import annotations

from director.config.parse import checks, schedulers, servers, values
from director.config.schema import tls
from director.config.schema.shape import Key, Kind

POOL = Kind(
    "pool",
    "NAME",
    "Servers and how one of them is picked. Services of both layers may use the same pool.",
    (
        Key(
            "server.NAME",
            "`ADDRESS:PORT` and any of `weight=N max=N min=N backup forward=METHOD tunnel=KIND`",
            servers.server,
            "A server; `NAME` is unique in the pool. `weight=0` takes no new clients. At `max` connections "
            "it takes no more until it is below `min` again. A `backup` is used when no other is eligible, "
            "or when a request has tried all others. `forward=` (nat, dr, tun, local) and `tunnel=` (ipip, "
            "gre[,csum], gue:PORT[,csum]) are for layer 4.",
            example="10.0.0.11:8080 weight=2 max=200",
        ),
        Key(
            "scheduler",
            "scheduler",
            values.on_text(schedulers.scheduler),
            "Which scheduler picks, with its flags; `A else B` asks B when A has no answer.",
            default="wlc",
            example="hash(cookie sid) else wlc",
        ),
        Key(
            "check",
            "list of checks, `any` LIST, or `N of` LIST",
            values.on_text(checks.chosen),
            "The health checks; a server is healthy when all of them say so, or one (`any`), or N. Without "
            "any a server counts as healthy.",
            example="2 of alive, deep, disk",
        ),
        Key(
            "eject",
            "causes`; after N; for TIME; max SHARE%`, or `off`",
            values.on_text(checks.eject),
            "Real traffic takes a server out: after so many failures in a row (`5xx`, `connect`, `empty`: "
            "closed before the first byte, `timeout`, `reset`), or when its failures (`rate`) or response "
            "times (`latency`) are far from the other servers'; for that time, longer when it comes again "
            "soon, and never more than that share of the pool.",
            default="off",
            example="5xx, connect, empty; after 5; for 30s; max 50%",
        ),
        Key(
            "panic",
            "share, or `off`",
            values.on_text(checks.panic),
            "With fewer healthy servers than this share, all are used, whatever checks say: better some "
            "answers than an overload of the few. Not while a backup can step in for none.",
            default="off",
            example="30%",
        ),
        Key(
            "slow_start",
            "duration",
            values.duration(0.0, 86400.0),
            "A server that comes back, or is new, is given its share of new work by and by over this time.",
            default="0s",
            example="30s",
        ),
        Key(
            "persist",
            "`cookie NAME insert [follow] [httponly] [secure] [samesite=lax]`",
            values.on_text(servers.persistence),
            "Keeps a client at its server, by a cookie of the director's own; with `follow` only in answers "
            "that set cookies themselves, and for as long as the longest of them lasts.",
            example="cookie DIRECTOR insert httponly",
        ),
        Key(
            "retry",
            "causes`; tries N`, or `off`",
            values.on_text(servers.retry),
            "When a request is tried on another server: `connect` (failed), `empty` (closed before "
            "the first byte), `timeout` (no first byte in time), or a status; `tries` counts "
            "the times after the first.",
            default="connect, empty; tries 2",
            example="connect, empty, timeout, 503; tries 2",
        ),
        Key(
            "queue",
            "`LENGTH for TIME`, or `off`",
            values.on_text(servers.queue),
            "How many requests may wait when every server is at `max`, and how long each.",
            default="off",
            example="100 for 5s",
        ),
        Key(
            "idle_connections",
            "number",
            values.count(0, 100_000),
            "How many unused connections are kept open to each server.",
            default="64",
            example="256",
        ),
        Key(
            "on_down",
            "`keep` or `close`",
            values.choice("keep", "close"),
            "What happens to established work of a server that a check calls dead or that is put into "
            "maintenance: `keep` lets it go on, `close` cuts it at once.",
            default="keep",
            example="close",
        ),
        Key(
            "timeout.connect",
            "duration",
            values.duration(),
            "For a server to accept a connection.",
            default="2s",
            example="500ms",
        ),
        Key(
            "timeout.response",
            "duration",
            values.duration(),
            "From the request to the first byte of the response.",
            default="30s",
            example="2m",
        ),
        Key(
            "timeout.idle",
            "duration",
            values.duration(),
            "Between two bytes of a body.",
            default="1m",
            example="5m",
        ),
        Key(
            "timeout.tunnel",
            "duration",
            values.duration(),
            "For an upgraded or relayed connection on which nothing moves.",
            default="1h",
            example="12h",
        ),
        Key(
            "protocol",
            "`http/1.1` or `h2`",
            values.choice("http/1.1", "h2"),
            "What requests are sent in: `h2` is HTTP/2, many at a time on one connection; with `tls = on` "
            "the server must choose it (ALPN), in clear text it is spoken with prior knowledge. gRPC needs "
            "it. Checks go on in HTTP/1.",
            default="http/1.1",
            example="h2",
        ),
        *tls.SERVER_KEYS,
    ),
)

CHECK = Kind(
    "check",
    "NAME",
    "A health check, made of each server of the pools that name it: exactly one of `http`, `https`, "
    "`tcp`, `tls`, `grpc`, `agent`, `redis`, `postgres`, `mysql`, `smtp`, `script`, `dns`, `udp`, `icmp` and "
    "`exec`.",
    (
        Key(
            "http",
            "`METHOD PATH`",
            values.on_text(checks.probe),
            "The request that is sent. The answer must be one that layer 7 would take.",
            example="GET /healthz",
        ),
        Key(
            "https",
            "`METHOD PATH`",
            values.on_text(checks.probe),
            "The same inside TLS.",
            example="GET /healthz",
        ),
        Key(
            "tls",
            "`handshake`",
            values.choice("handshake"),
            "TLS must be spoken, with a certificate that is good for the server's name.",
            example="handshake",
        ),
        *tls.CHECK_KEYS,
        Key(
            "grpc",
            "`health`, or a service",
            values.on_text(checks.service),
            "gRPC's own health check, of the server as a whole or of one service, must say SERVING: by TLS "
            "where the pool has it, else HTTP/2 in clear text.",
            example="health",
        ),
        Key(
            "agent",
            "`connect`",
            values.choice("connect"),
            "What a server says of itself in a line, as HAProxy's agent-check: `75%` (of its weight), "
            "`maxconn:30`, `up`, `down`, `failed`, `stopped`, `drain`, `maint`, `ready`. What it does not "
            "mention stays; silence, nonsense and contradictions change nothing. Without `rise` and `fall` "
            "its word counts at once.",
            example="connect",
        ),
        Key(
            "tcp",
            "`connect`",
            values.choice("connect"),
            "A connection is opened and closed again.",
            example="connect",
        ),
        Key(
            "redis",
            "`ping`",
            values.choice("ping"),
            "PING must bring PONG, or the demand for a password.",
            example="ping",
        ),
        Key(
            "postgres",
            "`greeting`",
            values.choice("greeting"),
            "A start-up message must bring anything but the word that no clients are taken now.",
            example="greeting",
        ),
        Key(
            "mysql",
            "`greeting`",
            values.choice("greeting"),
            "The server must begin its handshake, which is ended in order: no host is blocked for it.",
            example="greeting",
        ),
        Key(
            "smtp",
            "`greeting`",
            values.choice("greeting"),
            "The server must greet with 220.",
            example="greeting",
        ),
        Key(
            "script",
            "`send TEXT`, `expect TEXT`, with `;` between",
            values.on_text(checks.script),
            "What is sent and what must come, in order, anywhere behind what came before. "
            "`\\r`, `\\n`, `\\t`, `\\;`, `\\\\` and `\\xHH` stand for octets.",
            example=r"expect +OK; send QUIT\r\n",
        ),
        Key(
            "dns",
            "`TYPE NAME`",
            values.on_text(checks.question),
            "The question that is asked in a datagram; the answer must have a record.",
            example="A www.example.org",
        ),
        Key(
            "udp",
            "text",
            values.on_text(checks.octets),
            "The datagram that is sent; any datagram must come back. Octets are written as in `script`.",
            example="ping",
        ),
        Key(
            "icmp",
            "`echo`",
            values.choice("echo"),
            "An echo must bring its reply: the host is there, whatever its services do. Needs CAP_NET_RAW.",
            example="echo",
        ),
        Key(
            "exec",
            "program and arguments",
            checks.command,
            "A program, without a shell: 0 is up, every other end and the time-out is down; one that "
            "cannot be started leaves the verdict as it is. It is told `CHECK_ADDRESS`, `CHECK_PORT` and "
            "`CHECK_NAME` in its environment, and ended with all that it has started.",
            example="/usr/lib/nagios/plugins/check_http -H shop.example.org",
        ),
        Key(
            "port",
            "number",
            values.count(1, 65535),
            "Another port than the server's own; servers at unix sockets and endpoint strings keep theirs.",
            example="8081",
        ),
        Key(
            "address",
            "host",
            values.on_text(checks.host),
            "Another host than the server's own, for all servers: what is checked stands for them.",
            example="10.0.0.9",
        ),
        Key(
            "expect",
            "terms, with commas between",
            values.on_text(checks.expected),
            "What the answer must be, all of it: `status LIST` (numbers and ranges), `header NAME OP VALUE`, "
            "`header NAME exists`, `body OP VALUE` (its first 64 kB); `days > N` of a certificate, for "
            "`https`, `tls` and `grpc`; `answer OP VALUE`, of `udp` the datagram, of `dns` a record, as in "
            "`answer = 192.0.2.1`. Operators `=` `^=` `$=` `*=` `~` `in`. A value with commas stands in "
            "double quotes.",
            default="status 200-399",
            example="status 200-299, 304, body ~ ^all.good, header X-State = ready",
        ),
        Key(
            "host",
            "host",
            values.on_text(checks.check_host),
            "The `Host` of the request; without it the server's address. For `http`, `https` and `grpc`.",
            example="shop.example.org",
        ),
        Key(
            "header.NAME",
            "text",
            values.on_text(checks.header),
            "A header field of the request. For `http` and `https`.",
            example="secret",
        ),
        Key(
            "every",
            "duration",
            values.duration(0.05, 86400.0),
            "Time between two probes.",
            default="2s",
            example="5s",
        ),
        Key(
            "every.changing",
            "duration",
            values.duration(0.05, 86400.0),
            "Time between two probes while the verdict is about to change, and before the first one; without "
            "it `every`. So an outage is known soon although a healthy server is probed seldom.",
            example="500ms",
        ),
        Key(
            "timeout",
            "duration",
            values.duration(0.01, 3600.0),
            "For one probe.",
            default="1s",
            example="500ms",
        ),
        Key(
            "rise",
            "number",
            values.count(1, 1000),
            "Good probes in a row that make a dead server alive.",
            default="2",
            example="3",
        ),
        Key(
            "fall",
            "number",
            values.count(1, 1000),
            "Bad probes in a row that make a live server dead.",
            default="3",
            example="2",
        ),
        Key(
            "first",
            "`up`, `down` or `after N`",
            values.on_text(checks.first),
            "What a server counts as before anything is known of it: `up` until it has failed as often as "
            "`fall` says, `down` until it was good as often as `rise` says, or up until the first N equal "
            "results decide.",
            default="after 1",
            example="down",
        ),
    ),
)

KINDS = (POOL, CHECK)
