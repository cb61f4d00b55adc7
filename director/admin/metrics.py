"""Figures for scrapers: the Prometheus text format, version 0.0.4.

Pure.  Labels hold names from the configuration and words of the code, never text from
the network, so their number is bounded.  Histograms are kept per service; servers give
sum and count, so that ten thousand of them stay readable.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from operator import attrgetter
from typing import Any

from attrs import field, frozen

from director.admin import views
from director.admin.views import ViewContext
from director.caches import CacheFigures
from director.model.pools import State
from director.registry.counters import (
    LATENCY_BOUNDS,
    SERVER_CAUSES,
    SERVICE_CAUSES,
    RequestFigures,
    Traffic,
    TrafficFigures,
)
from director.registry.reports import FaultState, PacketFigures, ProcessFigures, Readiness, TLSFigures
from director.registry.snapshot import PoolSnapshot, RegistrySnapshot, ServerSnapshot, ServiceSnapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LINES_PER_PIECE = 500

Sample = tuple[str, str, float]
"""Suffix of the name (`_bucket`, …), labels as text (`labels`), value."""


@frozen
class Family:
    """One metric: name, type, help and its samples."""

    name: str
    type: str
    help: str
    samples: Iterable[Sample]


def escaped(text: str) -> str:
    """A label value."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def labels(**pairs: str) -> str:
    """Labels as they stand behind a name."""
    return "{" + ",".join(f'{key}="{escaped(text)}"' for key, text in pairs.items()) + "}"


def and_label(known: str, key: str, text: str) -> str:
    """`known` labels and one more, whose text is a word of ours."""
    return f'{known[:-1]},{key}="{text}"}}'


def number(value: float) -> str:
    """A value; whole ones are most, and cheap."""
    return str(int(value)) if isinstance(value, int) else f"{value:.17g}"


def lines(families: Iterable[Family]) -> Iterator[str]:
    """All families as text; a family without samples is left out."""
    for family in families:
        name, head = family.name, f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n"
        for suffix, marks, value in family.samples:
            yield f"{head}{name}{suffix}{marks} {number(value)}\n"
            head = ""


def pieces(families: Iterable[Family]) -> Iterator[bytes]:
    """The text in pieces of a few hundred lines, made when asked for."""
    source = lines(families)
    while piece := "".join(islice(source, LINES_PER_PIECE)):
        yield piece.encode("utf-8", "backslashreplace")


@frozen
class MetricSources:
    """What is told beside the registry.

    Attributes:
        traces: how many are kept for `why`.
        admin: what the admin counts of itself.
        checks: probes by check and what they found (`passed`, `failed`, `unknown`).
        reloads: reloads by how they ended (`done`, `refused`).
        tls: handshakes and certificates.
        relayed: octets that layer 7 has sent, by their way.
        kept: False while changes would be lost at a restart.
        faults: those that can be injected, with what runs of them.
    """

    readiness: Readiness
    process: ProcessFigures
    traces: int = 0
    admin: Mapping[str, int] = field(factory=dict)
    packets: PacketFigures | None = None
    caches: tuple[CacheFigures, ...] = ()
    checks: Mapping[tuple[str, str], int] = field(factory=dict)
    reloads: Mapping[str, int] = field(factory=dict)
    tls: TLSFigures = field(factory=TLSFigures)
    relayed: Mapping[str, int] = field(factory=dict)
    kept: bool = True
    faults: tuple[FaultState, ...] = ()


class Metrics:
    """Every metric of one director; labels of servers are put together once for each generation."""

    def __init__(self) -> None:
        self._generation = -1
        self._labels: dict[tuple[str, str], str] = {}

    def families(self, context: ViewContext, facts: MetricSources) -> list[Family]:
        """Everything."""
        seen = context.seen
        return [
            *_packets(facts.packets),
            *_whole(context, facts),
            *_tls(facts.tls),
            _by("director_relay_bytes_total", "Octets sent at layer 7, by their way.", "path", facts.relayed),
            *_caches(facts.caches),
            *_services(tuple(seen.services.values())),
            _rules(context),
            *_pools(tuple(seen.pools.values())),
            *_servers(self._named(seen)),
        ]

    def _named(self, seen: RegistrySnapshot) -> list[tuple[str, ServerSnapshot]]:
        if seen.generation != self._generation:
            self._generation = seen.generation
            self._labels = {
                (one.pool, one.name): labels(pool=one.pool, server=one.name) for one in seen.servers()
            }
        return [(self._labels[one.pool, one.name], one) for one in seen.servers()]


def _one(name: str, kind: str, text: str, value: float | None) -> Family:
    return Family(name, kind, text, () if value is None else (("", "", value),))


def _whole(context: ViewContext, facts: MetricSources) -> Iterator[Family]:
    seen, process = context.seen, facts.process
    info = labels(version=process.version, name=seen.configuration.settings.name)
    yield Family("director_info", "gauge", "The program; always 1.", (("", info, 1),))
    yield _one("director_ready", "gauge", "1 when ready for traffic.", facts.readiness.ready)
    yield _one("director_generation", "gauge", "Number of the running generation.", seen.generation)
    yield _one("director_changes_kept", "gauge", "0 while a restart would lose changes.", facts.kept)
    yield _by("director_reloads_total", "Reloads by how they ended.", "result", facts.reloads)
    bound = (("", labels(service=one.service, address=one.address), one.bound) for one in context.listeners)
    yield Family("director_listener_bound", "gauge", "1 when the address is listened on.", bound)
    probes = (
        ("", labels(check=check, result=result), count) for (check, result), count in facts.checks.items()
    )
    yield Family("director_checks_total", "counter", "Health checks by what they found.", probes)
    for family in (
        ("active", "gauge", "1 while the fault is injected.", lambda one: one.running is not None),
        (
            "hits_total",
            "counter",
            "Requests, or flows of layer 4, that met it since it was last started.",
            attrgetter("hits"),
        ),
        (
            "packets_total",
            "counter",
            "Packets of layer 4 that met it since it was last started.",
            attrgetter("packets"),
        ),
    ):
        yield _faults(facts.faults, *family)
    yield _one("director_traces", "gauge", "Traces kept for `why`.", facts.traces)
    yield _by("director_admin_events_total", "What the admin counts of itself.", "event", facts.admin)
    yield _one("director_reactor_stalls_total", "counter", "Hold-ups of more than 50 ms.", process.stalls)
    yield _one("director_reactor_stall_seconds_max", "gauge", "The longest hold-up.", process.worst_stall)
    yield _by("director_log_lines_lost_total", "Lines that could not be written.", "log", process.lost)
    yield _one("process_start_time_seconds", "gauge", "Start, in seconds since the epoch.", process.started)
    yield _one("process_resident_memory_bytes", "gauge", "Resident memory.", process.rss)
    yield _one("process_open_fds", "gauge", "Open descriptors.", process.fds)
    yield _one("process_max_fds", "gauge", "Limit of descriptors.", process.max_fds)


def _faults(
    found: Iterable[FaultState], name: str, kind: str, text: str, value: Callable[[FaultState], float]
) -> Family:
    return Family(
        f"director_fault_{name}", kind, text, [("", labels(fault=one.name), value(one)) for one in found]
    )


def _by(name: str, text: str, label: str, counts: Mapping[str, int]) -> Family:
    """Counters with one label."""
    samples = [("", labels(**{label: key}), value) for key, value in counts.items()]
    return Family(name, "counter", text, samples)


def _tls(found: TLSFigures) -> Iterator[Family]:
    """Clients' handshakes, and how long certificates last."""
    yield _one("director_tls_handshakes_total", "counter", "Handshakes of clients done.", found.handshakes)
    yield _one("director_tls_resumed_total", "counter", "Those that went on from a session.", found.resumed)
    yield _by("director_arrivals_failed_total", "Connections that got no further.", "reason", found.failed)
    ends = (("", labels(cert=name), seconds) for name, seconds in found.expiry.items())
    yield Family("director_certificate_expiry_seconds", "gauge", "Until a certificate ends.", ends)


def _caches(found: tuple[CacheFigures, ...]) -> Iterator[Family]:
    """What is remembered of pure functions; a family has those caches that count it."""
    for name, kind, text, value in (
        ("entries", "gauge", "Results that are remembered.", attrgetter("entries")),
        ("limit", "gauge", "Results that may be; then the one unused longest goes.", attrgetter("limit")),
        ("hits_total", "counter", "Results that need not be worked out again.", attrgetter("hits")),
        ("misses_total", "counter", "Results that were worked out.", attrgetter("misses")),
    ):
        counted = [("", labels(cache=one.name), value(one)) for one in found if value(one) is not None]
        yield Family(f"director_cache_{name}", kind, text, counted)


def _requests(
    prefix: str, found: Iterable[tuple[str, RequestFigures]], causes: tuple[str, ...]
) -> Iterator[Family]:
    """Requests, responses by class and errors by cause of many objects.

    Every cause of `causes` is there from the start: a counter that begins with its first error has no rate.
    """
    every = tuple(found)
    yield Family(f"{prefix}_requests_total", "counter", "Requests that chose it.",
                 (("", marks, one.requests) for marks, one in every))  # fmt: skip
    yield Family(f"{prefix}_responses_total", "counter", "Final responses by class.",
                 (("", and_label(marks, "class", name), number) for marks, one in every
                  for name, number in zip(views.CLASSES, one.responses[1:], strict=True)))  # fmt: skip
    yield Family(f"{prefix}_errors_total", "counter", "Failures by cause.",
                 (("", and_label(marks, "cause", cause), number) for marks, one in every
                  for cause, number in with_zeros(one.errors, causes).items()))  # fmt: skip


def with_zeros(errors: tuple[tuple[str, int], ...], causes: tuple[str, ...]) -> dict[str, int]:
    """Errors by cause, those that never happened as 0."""
    return dict.fromkeys(causes, 0) | dict(errors)


def _each(named: Iterable[tuple[str, Any]], value: Callable[[Any], float]) -> Iterator[Sample]:
    """One sample for each; `value` is bound here, because families are written long after they are made."""
    for marks, one in named:
        yield "", marks, value(one)


TRAFFIC = (
    ("connections_total", "conns", "Connections."),
    ("packets_in_total", "inpkts", "Packets in."),
    ("packets_out_total", "outpkts", "Packets out."),
    ("bytes_in_total", "inbytes", "Bytes in."),
    ("bytes_out_total", "outbytes", "Bytes out."),
)


def _traffic(prefix: str, found: Iterable[tuple[str, TrafficFigures]]) -> Iterator[Family]:
    """Totals since start: zeroing by an operator does not touch them."""
    every = tuple(found)
    for name, attribute, text in TRAFFIC:
        yield Family(f"{prefix}_{name}", "counter", text, _each(every, _total(attribute)))


def _total(name: str) -> Callable[[TrafficFigures], float]:
    place = Traffic.NAMES.index(name)
    return lambda figures: figures.totals[place]


def _packets(found: PacketFigures | None) -> Iterator[Family]:
    """Layer 4 as a whole; nothing while it does not run."""
    if found is None:
        return
    yield from _traffic("director_l4", [("", found.total)])
    yield _one("director_l4_flows", "gauge", "Flows and templates in the table.", found.flows)
    counted = dict(sorted(found.counters.items()))
    yield _by("director_l4_events_total", "Drops by their reason, and other events.", "event", counted)


def histogram(marks: str, requests: RequestFigures) -> Iterator[Sample]:
    """Cumulative buckets, sum and count."""
    seen = 0
    for bound, number in zip(LATENCY_BOUNDS, requests.buckets, strict=False):
        seen += number
        yield "_bucket", and_label(marks, "le", f"{bound:g}"), seen
    count = sum(requests.buckets)
    yield "_bucket", and_label(marks, "le", "+Inf"), count
    yield from summary(marks, requests)


def summary(marks: str, requests: RequestFigures) -> Iterator[Sample]:
    """Sum and count."""
    yield "_sum", marks, requests.seconds
    yield "_count", marks, sum(requests.buckets)


def _services(services: tuple[ServiceSnapshot, ...]) -> Iterator[Family]:
    named = [(labels(service=one.key), one) for one in services]
    yield from _requests("director_service", ((marks, one.requests) for marks, one in named), SERVICE_CAUSES)
    yield from _traffic("director_service", ((marks, one.traffic) for marks, one in named))
    samples = (sample for marks, one in named for sample in histogram(marks, one.requests))
    yield Family("director_service_response_seconds", "histogram", "Time to the response.", samples)


def _rules(context: ViewContext) -> Family:
    hits: list[Sample] = []
    for rule in context.seen.configuration.rules:
        service = context.seen.services.get(f"l7:{rule.service}")
        counters = service.rules.get(rule.name) if service else None
        marks = labels(service=f"l7:{rule.service}", rule=rule.name)
        hits.append(("", marks, counters.requests if counters else 0))
    return Family("director_rule_requests_total", "counter", "Requests that the rule decided.", hits)


def _pools(pools: tuple[PoolSnapshot, ...]) -> Iterator[Family]:
    for name, kind, text, value in (
        ("eligible_servers", "gauge", "Servers that may be chosen.", lambda pool: pool.eligible),
        ("servers", "gauge", "Servers.", lambda pool: len(pool.servers)),
        (
            "panic",
            "gauge",
            "1 while too few servers are healthy and all are used.",
            lambda pool: int(bool(pool.panic)),
        ),
        ("waiting", "gauge", "Requests that wait for room.", lambda pool: pool.waiting),
        ("queue_full_total", "counter", "Requests refused by a full queue.", lambda pool: pool.queue_full),
        (
            "queue_timeouts_total",
            "counter",
            "Requests that waited too long.",
            lambda pool: pool.queue_timeouts,
        ),
        ("no_server_total", "counter", "Choices that found no server.", lambda pool: pool.no_server),
        ("scheduler_failures_total", "counter", "Schedulers replaced.", lambda pool: pool.scheduler_failures),
    ):
        samples: list[Sample] = [("", labels(pool=pool.name), value(pool)) for pool in pools]
        yield Family(f"director_pool_{name}", kind, text, samples)


GAUGES: tuple[tuple[str, str, Any], ...] = (
    ("up", "1 unless a check fails or it is in maintenance.", lambda one: one.available),
    ("overloaded", "1 while it is full.", lambda one: one.overloaded),
    ("weight", "Weight; 0 = quiesced.", lambda one: one.weight),
    ("max", "Upper threshold; 0 = none.", lambda one: one.max),
    ("active", "Active connections and requests in flight.", lambda one: one.active),
    ("inactive", "Inactive connections.", lambda one: one.inactive),
    ("persistent", "Persistence templates.", lambda one: one.persistent),
)


def _servers(named: list[tuple[str, ServerSnapshot]]) -> Iterator[Family]:
    for name, text, value in GAUGES:
        yield Family(f"director_server_{name}", "gauge", text, _each(named, value))
    states = (
        ("", and_label(marks, "state", state.value), one.state is state)
        for marks, one in named
        for state in State
    )
    yield Family("director_server_state", "gauge", "1 for the administrator's order.", states)
    yield from _requests("director_server", ((marks, one.requests) for marks, one in named), SERVER_CAUSES)
    yield from _traffic("director_server", ((marks, one.traffic) for marks, one in named))
    times = (sample for marks, one in named for sample in summary(marks, one.requests))
    yield Family("director_server_response_seconds", "summary", "Time to the response.", times)
