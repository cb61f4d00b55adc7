"""What stands behind the figures of a table: the same for programs, as a file, and names for a monitor."""

from __future__ import annotations

from director.admin.pages.html import Html, el

SOCKET = "var/control.sock"

_OF_SERVICE = "director_service_{}{{service=…}}"
_OF_SERVER = "director_server_{}{{pool=…, server=…}}"


def _named(pattern: str, **figures: str) -> dict[str, str]:
    return {column.replace("_", " "): pattern.format(name) for column, name in figures.items()}


METRICS: dict[str, dict[str, str]] = {
    "vitals": {
        "Requests": "sum(rate(director_service_requests_total[1m]))",
        "5xx answers": 'sum(rate(director_service_responses_total{class="5xx"}[1m]))',
        "99 % answer within": (
            "histogram_quantile(0.99, sum by (le) (rate(director_service_response_seconds_bucket[1m])))"
        ),
        "Active": "sum(director_server_active)",
    },
    "services": {
        "Requests/s": "rate(director_service_requests_total{service=…}[1m])",
        **_named(
            _OF_SERVICE, Requests="requests_total", Answers="responses_total", Errors="errors_total",
            p50="response_seconds_bucket", p99="response_seconds_bucket",
        ),
        "Listens on": "director_listener_bound{service=…, address=…}",
    },
    "servers": {
        "State": "director_server_up, director_server_state{pool=…, server=…, state=…}",
        **_named(_OF_SERVER, Weight="weight", Load="active"),
        "Requests/s": "rate(director_server_requests_total{pool=…, server=…}[1m])",
        **_named(_OF_SERVER, Answers="responses_total", Errors="errors_total"),
        "Mean time": (
            "rate(director_server_response_seconds_sum[1m])"
            " / rate(director_server_response_seconds_count[1m])"
        ),
        "Evidence": "director_checks_total{check=…, result=…}",
    },
    "rules": {
        "Hits": "director_rule_requests_total{service=…, rule=…}",
        "Hits/s": "rate(director_rule_requests_total{service=…, rule=…}[1m])",
    },
    "connections": {"Flows": "director_l4_flows"},
    "faults": {
        "Now": "director_fault_active{fault=…}",
        "Hit": "director_fault_hits_total{fault=…}",
    },
}  # fmt: skip
"""Of each table: a column, and what a monitor asks for."""


def behind(
    title: str, api: str, *, form: str = "JSON", table: str = "", sheet: str = "", socket: str = SOCKET
) -> Html:
    """A small thing to open.

    Args:
        api: the place of the same for programs, in which `form`.
        table: its name in `METRICS`.
        sheet: the file's name behind `/csv/`, with its query.
        socket: of the control, for curl.
    """
    names = METRICS.get(table, {})
    file = el("a", {"href": f"/csv/{sheet}", "download": True}, "CSV") if sheet else None
    return el(
        "details",
        {"class": "behind", "data-key": f"behind {title}"},
        el("summary", {"aria-label": f"What stands behind {title}"}, "Data"),
        el(
            "div",
            None,
            el("p", None, el("a", {"href": api}, form), " ", file),
            el("code", {"class": "copy"}, f"curl --unix-socket {socket} 'http://localhost{api}'"),
            el("dl", None, [(el("dt", None, one), el("dd", None, el("code", None, text)))
                            for one, text in names.items()]) if names else None,
        ),
    )  # fmt: skip
