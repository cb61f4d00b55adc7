"""Figures for scrapers: the Prometheus text format, version 0.0.4.

Pure.  Labels hold names from the configuration and words of the code, never text from
the network, so their number is bounded.  Histograms are kept per service; servers give
sum and count, so that ten thousand of them stay readable.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Any

from attrs import frozen

from director.admin import views
from director.admin.views import ViewContext
from director.caches import CacheFigures
from director.model.pools import State
from director.registry.counters import LATENCY_BOUNDS, RequestFigures, Traffic, TrafficFigures
from director.registry.reports import PacketFigures, ProcessFigures, Readiness
from director.registry.snapshot import PoolSnapshot, ServerSnapshot, ServiceSnapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LINES_PER_PIECE = 500

Labels = dict[str, str]
Sample = tuple[str, Labels, float]
"""Suffix of the name (`_bucket`, …), labels, value."""


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


def line(name: str, labels: Labels, value: float) -> str:
    """One sample."""
    inside = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{inside}}} {value:.17g}\n" if inside else f"{name} {value:.17g}\n"


def lines(families: Iterable[Family]) -> Iterator[str]:
    """All families as text; a family without samples is left out."""
    for family in families:
        head = f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n"
        for suffix, labels, value in family.samples:
            yield head + line(family.name + suffix, labels, value)
            head = ""


def pieces(families: Iterable[Family]) -> Iterator[bytes]:
    """The text in pieces of a few hundred lines, made when asked for."""
    source = lines(families)
    while piece := "".join(islice(source, LINES_PER_PIECE)):
        yield piece.encode("utf-8", "backslashreplace")


def families(
    context: ViewContext,
    readiness: Readiness,
    process: ProcessFigures,
    traces: int,
    admin: dict[str, int],
    packets: PacketFigures | None = None,
    caches: Iterable[CacheFigures] = (),
) -> list[Family]:
    """Everything; `traces` is how many are kept, `admin` what the admin counts of itself."""
    return [
        *_packets(packets),
        *_whole(context, readiness, process, traces, admin),
        *_caches(tuple(caches)),
        *_services(tuple(context.seen.services.values())),
        _rules(context),
        *_pools(tuple(context.seen.pools.values())),
        *_servers(tuple(context.seen.servers())),
    ]


def _one(name: str, kind: str, text: str, value: float | None) -> Family:
    return Family(name, kind, text, () if value is None else (("", {}, value),))


def _whole(
    context: ViewContext, readiness: Readiness, process: ProcessFigures, traces: int, admin: dict[str, int]
) -> Iterator[Family]:
    info = {"version": process.version, "name": context.seen.configuration.settings.name}
    yield Family("director_info", "gauge", "The program; always 1.", (("", info, 1),))
    yield _one("director_ready", "gauge", "1 when ready for traffic.", readiness.ready)
    yield _one("director_generation", "gauge", "Number of the running generation.", context.seen.generation)
    bound = (("", {"service": one.service, "address": one.address}, one.bound) for one in context.listeners)
    yield Family("director_listener_bound", "gauge", "1 when the address is listened on.", bound)
    yield _one("director_traces", "gauge", "Traces kept for `why`.", traces)
    counted = (("", {"event": key}, value) for key, value in admin.items())
    yield Family("director_admin_events_total", "counter", "What the admin counts of itself.", counted)
    yield _one("director_reactor_stalls_total", "counter", "Hold-ups of more than 50 ms.", process.stalls)
    yield _one("director_reactor_stall_seconds_max", "gauge", "The longest hold-up.", process.worst_stall)
    lost = (("", {"log": name}, count) for name, count in process.lost.items())
    yield Family("director_log_lines_lost_total", "counter", "Lines that could not be written.", lost)
    yield _one("process_start_time_seconds", "gauge", "Start, in seconds since the epoch.", process.started)
    yield _one("process_resident_memory_bytes", "gauge", "Resident memory.", process.rss)
    yield _one("process_open_fds", "gauge", "Open descriptors.", process.fds)
    yield _one("process_max_fds", "gauge", "Limit of descriptors.", process.max_fds)


def _caches(found: tuple[CacheFigures, ...]) -> Iterator[Family]:
    """What is remembered of pure functions; a family has those caches that count it."""
    for name, kind, text, value in (
        ("entries", "gauge", "Results that are remembered.", attrgetter("entries")),
        ("limit", "gauge", "Results that may be; then the one unused longest goes.", attrgetter("limit")),
        ("hits_total", "counter", "Results that need not be worked out again.", attrgetter("hits")),
        ("misses_total", "counter", "Results that were worked out.", attrgetter("misses")),
    ):
        counted = [("", {"cache": one.name}, value(one)) for one in found if value(one) is not None]
        yield Family(f"director_cache_{name}", kind, text, counted)


def _requests(prefix: str, found: Iterable[tuple[Labels, RequestFigures]]) -> Iterator[Family]:
    """Requests, responses by class and errors by cause of many objects."""
    every = tuple(found)
    yield Family(f"{prefix}_requests_total", "counter", "Requests that chose it.",
                 (("", labels, one.requests) for labels, one in every))  # fmt: skip
    yield Family(f"{prefix}_responses_total", "counter", "Final responses by class.",
                 (("", {**labels, "class": name}, number) for labels, one in every
                  for name, number in zip(views.CLASSES, one.responses[1:], strict=True)))  # fmt: skip
    yield Family(f"{prefix}_errors_total", "counter", "Failures by cause.",
                 (("", {**labels, "cause": cause}, number) for labels, one in every
                  for cause, number in sorted(one.errors)))  # fmt: skip


def _each(named: Iterable[tuple[Labels, Any]], value: Callable[[Any], float]) -> Iterator[Sample]:
    """One sample for each; `value` is bound here, because families are written long after they are made."""
    for labels, one in named:
        yield "", labels, value(one)


TRAFFIC = (
    ("connections_total", "conns", "Connections."),
    ("packets_in_total", "inpkts", "Packets in."),
    ("packets_out_total", "outpkts", "Packets out."),
    ("bytes_in_total", "inbytes", "Bytes in."),
    ("bytes_out_total", "outbytes", "Bytes out."),
)


def _traffic(prefix: str, found: Iterable[tuple[Labels, TrafficFigures]]) -> Iterator[Family]:
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
    yield from _traffic("director_l4", [({}, found.total)])
    yield _one("director_l4_flows", "gauge", "Flows and templates in the table.", found.flows)
    counted = (("", {"event": key}, value) for key, value in sorted(found.counters.items()))
    yield Family("director_l4_events_total", "counter", "Drops by their reason, and other events.", counted)


def histogram(labels: Labels, requests: RequestFigures) -> Iterator[Sample]:
    """Cumulative buckets, sum and count."""
    seen = 0
    for bound, number in zip(LATENCY_BOUNDS, requests.buckets, strict=False):
        seen += number
        yield "_bucket", {**labels, "le": f"{bound:g}"}, seen
    count = sum(requests.buckets)
    yield "_bucket", {**labels, "le": "+Inf"}, count
    yield "_sum", labels, requests.seconds
    yield "_count", labels, count


def _services(services: tuple[ServiceSnapshot, ...]) -> Iterator[Family]:
    named = [({"service": one.key}, one) for one in services]
    yield from _requests("director_service", ((labels, one.requests) for labels, one in named))
    yield from _traffic("director_service", ((labels, one.traffic) for labels, one in named))
    samples = (sample for labels, one in named for sample in histogram(labels, one.requests))
    yield Family("director_service_response_seconds", "histogram", "Time to the response.", samples)


def _rules(context: ViewContext) -> Family:
    hits: list[Sample] = []
    for rule in context.seen.configuration.rules:
        live = context.seen.services.get(f"l7:{rule.service}")
        counters = live.rules.get(rule.name) if live else None
        labels = {"service": f"l7:{rule.service}", "rule": rule.name}
        hits.append(("", labels, counters.requests if counters else 0))
    return Family("director_rule_requests_total", "counter", "Requests that the rule decided.", hits)


def _pools(pools: tuple[PoolSnapshot, ...]) -> Iterator[Family]:
    for name, kind, text, value in (
        ("eligible_servers", "gauge", "Servers that may be chosen.", lambda pool: pool.eligible),
        ("servers", "gauge", "Servers.", lambda pool: len(pool.servers)),
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
        samples: list[Sample] = [("", {"pool": pool.name}, value(pool)) for pool in pools]
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


def _servers(servers: tuple[ServerSnapshot, ...]) -> Iterator[Family]:
    named = [({"pool": one.pool, "server": one.name}, one) for one in servers]
    for name, text, value in GAUGES:
        yield Family(f"director_server_{name}", "gauge", text, _each(named, value))
    states = (
        ("", {**labels, "state": state.value}, one.state is state) for labels, one in named for state in State
    )
    yield Family("director_server_state", "gauge", "1 for the administrator's order.", states)
    yield from _requests("director_server", ((labels, one.requests) for labels, one in named))
    yield from _traffic("director_server", ((labels, one.traffic) for labels, one in named))
    times = (sample for labels, one in named for sample in tuple(histogram(labels, one.requests))[-2:])
    yield Family("director_server_response_seconds", "summary", "Time to the response.", times)
