from __future__ import annotations

import re
from collections.abc import Iterator

from director.admin.api import Call
from director.admin.metrics import escaped
from director.admin.testing import MemoryControl, record
from director.caches import CacheFigures
from director.model.pools import Pool
from director.registry.changes import PoolAdded, ServerAdded, ServerRemoved
from director.registry.counters import SERVER_CAUSES, SERVICE_CAUSES, TrafficFigures
from director.registry.reports import PacketFigures, ProcessFigures, TLSFigures
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin

# The grammar of https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4.
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
HEAD = re.compile(rf"# (HELP|TYPE) ({NAME}) (.+)")


def text(control: MemoryControl) -> str:
    return b"".join(Admin(control).api.metrics(Call()).pieces or ()).decode()


def parsed(found: str) -> Iterator[tuple[str, str, float]]:
    """Samples as (name, labels, value); checks the form of every line."""
    assert found.endswith("\n")
    types: dict[str, str] = {}
    for line in found.splitlines():
        head = HEAD.fullmatch(line)
        if head:
            if head[1] == "TYPE":
                assert head[2] not in types, "a family must stand together"
                types[head[2]] = head[3]
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        family = match[1] if match[1] in types else re.sub("_(bucket|sum|count)$", "", match[1])
        assert list(types)[-1] == family
        yield match[1], match[2] or "", float(match[3])


def test_every_line_has_the_form() -> None:
    control = sample.control()
    sample.fill(control)
    sample.trouble(control)
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    assert found["director_ready", ""] == 1
    assert found["director_service_requests_total", 'service="l7:www"'] == 18360
    assert found["director_service_responses_total", 'service="l7:www",class="5xx"'] == 60
    assert found["director_service_errors_total", 'service="l7:www",cause="connect"'] == 6
    assert found["director_server_up", 'pool="images",server="i"'] == 0
    assert found["director_server_state", 'pool="web",server="b",state="drain"'] == 1
    assert found["director_rule_requests_total", 'service="l7:www",rule="100 images"'] == 5
    assert found["process_resident_memory_bytes", ""] == 50_000_000
    assert found["director_traces", ""] == 2


def test_every_figure_is_its_own() -> None:
    control = sample.control()
    live = control.registry.services["l7:www"].stats.traffic
    live.cells[:] = 1, 2, 3, 4, 5
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    names = ("connections", "packets_in", "packets_out", "bytes_in", "bytes_out")
    service = 'service="l7:www"'
    assert [found[f"director_service_{name}_total", service] for name in names] == [1, 2, 3, 4, 5]
    server = control.registry.pools["web"].servers[0]
    server.active, server.inactive, server.persistent = 7, 8, 9
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    labels = f'pool="web",server="{server.name}"'
    gauges = [found[f"director_server_{name}", labels] for name in ("active", "inactive", "persistent")]
    assert gauges == [7, 8, 9]
    assert found["director_server_weight", labels] == server.weight


def test_layer_4_as_a_whole() -> None:
    control = sample.control()
    assert "director_l4_" not in text(control)
    total = TrafficFigures((0, 0, 7, 0, 0))
    control.whole = PacketFigures(total, {"bad_checksum": 2}, 5)
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    assert found["director_l4_packets_out_total", ""] == 7
    assert found["director_l4_flows", ""] == 5
    assert found["director_l4_events_total", 'event="bad_checksum"'] == 2


def test_caches_by_name() -> None:
    control = sample.control()
    assert "director_cache_" not in text(control)
    control.known = [CacheFigures("heads", 3, 256, 40, 5), CacheFigures("repeated", 2, 7)]
    found = {(name, labels): value for name, labels, value in parsed(text(control)) if "_cache_" in name}
    assert found == {
        ("director_cache_entries", 'cache="heads"'): 3,
        ("director_cache_entries", 'cache="repeated"'): 2,
        ("director_cache_limit", 'cache="heads"'): 256,
        ("director_cache_limit", 'cache="repeated"'): 7,
        ("director_cache_hits_total", 'cache="heads"'): 40,
        ("director_cache_misses_total", 'cache="heads"'): 5,
    }


def test_histograms_are_cumulative_and_end_with_all() -> None:
    control = sample.control()
    latency = control.registry.services["l7:www"].requests.latency
    for seconds in (0.0004, 0.3, 100.0):
        latency.add(seconds)
    buckets = [
        (labels, value)
        for name, labels, value in parsed(text(control))
        if name == "director_service_response_seconds_bucket" and "l7:www" in labels
    ]
    values = [value for _, value in buckets]
    assert values == sorted(values)
    assert buckets[0] == ('service="l7:www",le="0.0005"', 1)
    assert buckets[-1] == ('service="l7:www",le="+Inf"', 3)
    assert 'director_service_response_seconds_sum{service="l7:www"} 100.3' in text(control)


def test_lines_that_the_logs_lost_are_counted() -> None:
    control = sample.control()
    control.own = ProcessFigures("0.1", 0.0, lost={"access": 7, "events": 0})
    assert 'director_log_lines_lost_total{log="access"} 7' in text(control)


def test_labels_are_escaped() -> None:
    assert escaped('a"b\\c\nd') == 'a\\"b\\\\c\\nd'


def test_what_the_system_does_not_tell_is_left_out() -> None:
    control = sample.control()
    control.own = ProcessFigures("0.1", 0.0)
    assert "process_open_fds" not in text(control)


def test_ten_thousand_servers_come_in_pieces() -> None:
    control = sample.control()
    control.apply([PoolAdded(Pool("big", tuple(sample.server(f"s{n}", n + 1) for n in range(10_000))))], "x")
    made = iter(Admin(control).api.metrics(Call()).pieces or ())
    first = next(made)
    assert first.count(b"\n") < 2000
    rest = sum(piece.count(b"director_server_up{") for piece in made)
    assert rest + first.count(b"director_server_up{") == 10_005


def test_a_family_without_samples_has_no_head() -> None:
    assert "director_cache_" not in text(sample.control())


def test_errors_are_told_before_the_first_one() -> None:
    """https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics."""
    control = sample.control()
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    for cause in SERVICE_CAUSES:
        assert found["director_service_errors_total", f'service="l7:www",cause="{cause}"'] == 0
    for cause in SERVER_CAUSES:
        assert found["director_server_errors_total", f'pool="web",server="a",cause="{cause}"'] == 0
    control.registry.pools["web"].servers[0].requests.errors["novel"] += 2
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    assert found["director_server_errors_total", 'pool="web",server="a",cause="novel"'] == 2


def test_handshakes_and_certificates() -> None:
    control = sample.control()
    control.shaken = TLSFigures(9, 4, {"tls": 3, "timeout": 0}, {"shop": -5.0})
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    assert found["director_tls_handshakes_total", ""] == 9
    assert found["director_tls_resumed_total", ""] == 4
    assert found["director_arrivals_failed_total", 'reason="tls"'] == 3
    assert found["director_certificate_expiry_seconds", 'cert="shop"'] == -5


def test_octets_are_told_by_the_way_they_went() -> None:
    control = sample.control()
    control.moved = {"splice": 10_000_000, "copy": 300, "tls": 0}
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    assert found["director_relay_bytes_total", 'path="splice"'] == 10_000_000
    assert found["director_relay_bytes_total", 'path="copy"'] == 300
    assert found["director_relay_bytes_total", 'path="tls"'] == 0


def test_checks_reloads_and_traces_are_counted() -> None:
    control = sample.control()
    control.probed = {("alive", "passed"): 7, ("alive", "failed"): 2, ("alive", "unknown"): 0}
    control.ended = {"done": 3, "refused": 1}
    control.remembered = [record()] * 2500
    found = {(name, labels): value for name, labels, value in parsed(text(control))}
    assert found["director_checks_total", 'check="alive",result="passed"'] == 7
    assert found["director_checks_total", 'check="alive",result="failed"'] == 2
    assert found["director_reloads_total", 'result="refused"'] == 1
    assert found["director_traces", ""] == 2500
    assert found["director_admin_events_total", 'event="connections_cut"'] == 0


def test_labels_follow_the_generations() -> None:
    control = sample.control()
    api = Admin(control).api
    before = b"".join(api.metrics(Call()).pieces or ())
    control.apply([ServerRemoved("web", "b"), ServerAdded("web", sample.server("z", 9))], "x")
    after = b"".join(api.metrics(Call()).pieces or ())
    assert b'server="z"' not in before
    assert b'director_server_up{pool="web",server="z"}' in after
    assert b'server="b"' not in after
