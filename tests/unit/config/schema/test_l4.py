"""Names, defaults and the split of the sysctls against the list of `lvs-semantics` C.7."""

from __future__ import annotations

import attrs
import pytest

from director.config.schema.l4 import L4_SERVICE, L4_SETTINGS, SYSCTLS, WITHOUT_MEANING
from director.config.schema.shape import Key
from director.model.virtual import L4Settings

C7 = [
    "amemthresh",
    "am_droprate",
    "backup_only",
    "cache_bypass",
    "conn_reuse_mode",
    "conntrack",
    "debug_level",
    "drop_entry",
    "drop_packet",
    "est_cpulist",
    "est_nice",
    "expire_nodest_conn",
    "expire_quiescent_template",
    "ignore_tunneled",
    "lblc_expiration",
    "lblcr_expiration",
    "nat_icmp_send",
    "pmtu_disc",
    "run_estimation",
    "schedule_icmp",
    "secure_tcp",
    "sloppy_tcp",
    "sloppy_sctp",
    "snat_reroute",
    "sync_persist_mode",
    "sync_ports",
    "sync_qlen_max",
    "sync_refresh_period",
    "sync_retries",
    "sync_sock_size",
    "sync_threshold",
    "sync_version",
]


def test_every_sysctl_is_a_key_or_has_a_reason() -> None:
    names = {key.name for key in SYSCTLS}
    assert names | set(WITHOUT_MEANING) == set(C7)
    assert not names & set(WITHOUT_MEANING)


@pytest.mark.parametrize("key", L4_SETTINGS.keys, ids=lambda key: key.name)
def test_what_the_page_calls_the_default_is_the_default(key: Key) -> None:
    """It stands twice, as text for people and as the value of the model."""
    name = key.name.replace(".", "_")
    if key.default and hasattr(L4Settings(), name):
        assert key.standard() == getattr(L4Settings(), name)


def test_each_value_of_the_model_can_be_set() -> None:
    known = {
        key.name.replace(".", "_").removesuffix("_NAME").replace("mark", "marks") for key in L4_SETTINGS.keys
    }
    assert {one.name for one in attrs.fields(L4Settings)} <= known


def test_the_kernels_defaults() -> None:
    found = {key.name: key.standard() for key in SYSCTLS}
    assert {name for name, value in found.items() if value == 1} == {
        "conn_reuse_mode",
        "pmtu_disc",
        "run_estimation",
        "sync_ports",
        "sync_version",
    }
    assert found["amemthresh"] == 1024
    assert found["am_droprate"] == 10
    assert found["lblc_expiration"] == found["lblcr_expiration"] == 86400
    assert found["sync_threshold"] == (3, 50)


def test_timeouts_of_states() -> None:
    found = {key.name: key.standard() for key in L4_SETTINGS.keys}
    assert (found["timeout.tcp"], found["timeout.tcpfin"], found["timeout.udp"]) == (900.0, 120.0, 300.0)


def test_the_keys_of_a_service() -> None:
    assert {key.name for key in L4_SERVICE.keys} == {
        "virtual",
        "pool",
        "forward",
        "scheduler",
        "persistent",
        "netmask",
        "ops",
        "pe",
    }
