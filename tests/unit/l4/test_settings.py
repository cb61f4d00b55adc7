from __future__ import annotations

from ipaddress import ip_network

import pytest

from director.config.schema.l4 import SYSCTLS, WITHOUT_MEANING
from director.errors import DirectorError
from director.l4 import settings
from director.l4.settings import ELSEWHERE, Mark, Settings
from director.model.virtual import L4Settings, L4Timeouts

C7 = [
    "amemthresh", "am_droprate", "backup_only", "cache_bypass", "conn_reuse_mode", "conntrack",
    "debug_level", "drop_entry", "drop_packet", "est_cpulist", "est_nice", "expire_nodest_conn",
    "expire_quiescent_template", "ignore_tunneled", "lblc_expiration", "lblcr_expiration",
    "nat_icmp_send", "pmtu_disc", "run_estimation", "schedule_icmp", "secure_tcp", "sloppy_tcp",
    "sloppy_sctp", "snat_reroute", "sync_persist_mode", "sync_ports", "sync_qlen_max",
    "sync_refresh_period", "sync_retries", "sync_sock_size", "sync_threshold", "sync_version",
]  # fmt: skip
"""Every sysctl of C.7."""
DEFAULTS = {
    "amemthresh": 1024, "am_droprate": 10, "conn_reuse_mode": 1, "pmtu_disc": 1, "run_estimation": 1,
}  # fmt: skip


def read(pairs: list[tuple[str, str]]) -> Settings:
    return settings.read(L4Settings(sysctls=tuple(pairs)))


def test_the_configuration_knows_the_same_keys() -> None:
    """What config accepts by name, layer 4 obeys or leaves to another room; and the defaults are the same."""
    pairs = [(one.name, one.default or "") for one in SYSCTLS]
    assert {name for name, _ in pairs} | set(WITHOUT_MEANING) == set(C7)
    assert read(pairs) == Settings()


@pytest.mark.parametrize("name", C7)
def test_each_sysctl_is_a_key_or_has_a_reason(name: str) -> None:
    if name not in ELSEWHERE and name not in WITHOUT_MEANING:
        assert getattr(Settings(), name) == DEFAULTS.get(name, 0)
        assert getattr(read([(name, "1")]), name) == 1


def test_defence_mode_4_is_refused() -> None:
    for name in ("drop_entry", "drop_packet", "secure_tcp"):
        assert getattr(read([(name, "3")]), name) == 3
        with pytest.raises(DirectorError, match="must be from 0 to 3"):
            read([(name, "4")])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sloppy_tcp", "yes", "whole number"), ("sloppy_tcp", "2", "from 0 to 1"),
        ("nonsense", "1", "not a key"),
        ("timeout_tcp", "0s", "not a key"), ("ftp_ports", "21,70000", "one to eight"),
        ("mark.0", "tcp 192.0.2.1", "mark.N"), ("mark.x", "tcp 192.0.2.1", "mark.N"),
        ("mark.1", "icmp 192.0.2.1", "PROTOCOL"), ("mark.1", "tcp 192.0.2.1:90-80", "smaller first"),
        ("mark.1", "tcp 192.0.2.1/24", "host bits"),
    ],
)  # fmt: skip
def test_message_says_what_to_write(key: str, value: str, message: str) -> None:
    with pytest.raises(DirectorError, match=message):
        read([(key, value)])


def test_marks() -> None:
    found = read(
        [("mark.7", "tcp 192.0.2.1:80, udp 192.0.2.0/24:100-200"), ("mark.8", "ip [2001:db8::]/32:53")]
    ).marks
    assert found == (
        Mark(7, 6, ip_network("192.0.2.1/32"), (80, 80)),
        Mark(7, 17, ip_network("192.0.2.0/24"), (100, 200)),
        Mark(8, 0, ip_network("2001:db8::/32"), (53, 53)),
    )
    assert read([("mark.1", "tcp 2001:db8::1")]).marks[0].ports == (0, 65535)


def test_timeouts_and_size() -> None:
    found = settings.read(L4Settings(timeouts=L4Timeouts(60.0, 30.0, 5.0), conn_tab_bits=10))
    assert (found.timeout_tcp, found.timeout_tcpfin, found.timeout_udp) == (60.0, 30.0, 5.0)
    assert found.flow_limit == 16 << 10
    assert read([("max_flows", "5"), ("ftp_ports", "21, 2121")]) == Settings(
        max_flows=5, ftp_ports=(21, 2121)
    )
