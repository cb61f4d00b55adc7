"""What `[l4]` can set: the sysctls of IPVS (`lvs-semantics` C.7), timeouts, marks.

`read` makes a `Settings` from the configuration, which has checked it; every key is documented on its
field.  Keys of IPVS that mean nothing in user space are refused by the configuration, with the reason.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import attrs
from attrs import field, frozen

from director.errors import DirectorError
from director.l4.wire.protocols import NUMBERS
from director.model.virtual import L4Settings

FLOWS_PER_BUCKET = 16
"""Flows the table holds for each of the 2^conn_tab_bits buckets that tools show."""
MOST_FLOWS = 1 << 22
"""The largest table that conn_tab_bits alone can ask for: about 4 GB."""


@frozen
class Mark:
    """One rule that gives packets a firewall mark, as `iptables -t mangle` would.

    The first rule that fits decides.  `protocol` 0 = any; `ports` is an inclusive range.
    """

    mark: int
    protocol: int
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    ports: tuple[int, int] = (0, 65535)


@frozen
class Settings:
    """Every key of `[l4]` that the forwarder obeys, with IPVS's defaults."""

    conn_tab_bits: int = 12
    """Shown as `size`; the table holds 16 flows per bucket. 8 to 27."""
    max_flows: int = 0
    """Bound of the flow table; 0 = from conn_tab_bits."""
    amemthresh: int = 1024
    """Pages of free memory below which the automatic defences start."""
    am_droprate: int = 10
    """drop_packet = 3: each am_droprate-th packet that would open a connection is dropped."""
    backup_only: int = 0
    """1: do nothing while the backup synchronisation daemon runs."""
    cache_bypass: int = 0
    """1: without a server, packets of a mark service go to their original destination."""
    conn_reuse_mode: int = 1
    """0: a new SYN stays with a closing flow; 1: it is scheduled anew; 2: also in FIN_WAIT (DR, TUN)."""
    drop_entry: int = 0
    """Random early drop of entries: 0 off, 1 when memory is low, 3 always."""
    drop_packet: int = 0
    """Drop some packets that would open a connection: 0 off, 1 when memory is low, 3 always."""
    secure_tcp: int = 0
    """Use the secure TCP table: 0 off, 1 when memory is low, 3 always."""
    expire_nodest_conn: int = 0
    """1: a flow whose server is gone expires at once, and its packet is scheduled anew."""
    expire_quiescent_template: int = 0
    """1: weight 0 ends persistence."""
    ignore_tunneled: int = 0
    """Accepted for compatibility: packets of unknown protocols go to the host unchanged either way."""
    nat_icmp_send: int = 0
    """1: a stray packet of a NAT server gets a port unreachable."""
    pmtu_disc: int = 1
    """0: tunnels ignore DF."""
    run_estimation: int = 1
    """0: rates stand still."""
    schedule_icmp: int = 0
    """1: ICMP errors may open a flow."""
    sloppy_tcp: int = 0
    """1: any TCP packet but RST may open a flow."""
    sloppy_sctp: int = 0
    """1: any SCTP packet but ABORT may open a flow."""
    timeout_tcp: float = 900.0
    """Seconds an established TCP flow lives without a packet (`ipvsadm --set`)."""
    timeout_tcpfin: float = 120.0
    """Seconds in FIN_WAIT."""
    timeout_udp: float = 300.0
    """Seconds a UDP flow lives without a packet."""
    icmp_rate: int = 1000
    """ICMP errors the director itself sends per second."""
    ftp_ports: tuple[int, ...] = (21,)
    """Virtual ports of FTP control connections that NAT follows; at most 8."""
    marks: tuple[Mark, ...] = field(factory=tuple)
    """`mark.N = PROTOCOL ADDRESS[/PREFIX][:PORT[-PORT]]`, several separated by commas."""

    @property
    def flow_limit(self) -> int:
        """How many flows and templates the table holds."""
        return self.max_flows or min(FLOWS_PER_BUCKET << self.conn_tab_bits, MOST_FLOWS)


ELSEWHERE = frozenset(
    {
        "lblc_expiration", "lblcr_expiration", "sync_persist_mode", "sync_ports", "sync_qlen_max",
        "sync_refresh_period", "sync_retries", "sync_threshold", "sync_version",
    }
)  # fmt: skip
"""Keys that other rooms read: the schedulers and the synchronisation."""

_RANGES = {
    "max_flows": (0, 1 << 24), "amemthresh": (0, 1 << 40), "am_droprate": (1, 1 << 20),
    "conn_reuse_mode": (0, 3), "drop_entry": (0, 3), "drop_packet": (0, 3), "secure_tcp": (0, 3),
    "icmp_rate": (0, 1_000_000),
}  # fmt: skip


def _whole(key: str, value: str) -> int:
    low, high = _RANGES.get(key, (0, 1))
    try:
        number = int(value)
    except ValueError:
        raise DirectorError(f"[l4] {key} = {value}: write a whole number from {low} to {high}") from None
    if not low <= number <= high:
        raise DirectorError(f"[l4] {key} = {value}: must be from {low} to {high}")
    return number


def _ports(key: str, value: str) -> tuple[int, ...]:
    words = value.replace(",", " ").split()
    if not 0 < len(words) <= 8 or not all(word.isdecimal() and 0 < int(word) < 65536 for word in words):
        raise DirectorError(f"[l4] {key} = {value}: write one to eight ports, separated by commas")
    return tuple(int(word) for word in words)


def read(config: L4Settings) -> Settings:
    """The settings that `config` gives; raises DirectorError that says what to write."""
    known = {one.name for one in attrs.fields(Settings)} - {"marks", "conn_tab_bits"}
    found: dict[str, Any] = {}
    marks: list[Mark] = []
    for key, value in config.sysctls:
        if key.startswith("mark."):
            marks += _marks(key, value)
        elif key == "ftp_ports":
            found[key] = _ports(key, value)
        elif key in known and not key.startswith("timeout_"):
            found[key] = _whole(key, value.strip())
        elif key not in ELSEWHERE:
            raise DirectorError(f"[l4] {key} is not a key of layer 4; see the list of keys in the manual")
    return Settings(
        conn_tab_bits=config.conn_tab_bits,
        timeout_tcp=config.timeouts.tcp,
        timeout_tcpfin=config.timeouts.tcpfin,
        timeout_udp=config.timeouts.udp,
        marks=tuple(marks),
        **found,
    )


def _marks(key: str, value: str) -> list[Mark]:
    number = key.removeprefix("mark.")
    if not number.isdecimal() or not 0 < int(number) < 1 << 32:
        raise DirectorError(f"[l4] {key}: write mark.N with N from 1 to 4294967295")
    return [_mark(int(number), one.split(), f"[l4] {key} = {value}") for one in value.split(",")]


def _mark(number: int, words: list[str], at: str) -> Mark:
    if len(words) != 2 or words[0] not in (*NUMBERS, "ip"):
        raise DirectorError(f"{at}: write PROTOCOL ADDRESS[/PREFIX][:PORT[-PORT]] with tcp, udp, sctp or ip")
    host, ports = _host_and_ports(words[1])
    try:
        first, _, last = ports.partition("-")
        span = (int(first), int(last or first)) if ports else (0, 65535)
        network = ipaddress.ip_network(host)
    except ValueError as error:
        raise DirectorError(f"{at}: {error}; write for example tcp 192.0.2.0/24:80-90") from None
    if not 0 <= span[0] <= span[1] <= 65535:
        raise DirectorError(f"{at}: ports must be from 0 to 65535, the smaller first")
    return Mark(number, NUMBERS.get(words[0], 0), network, span)


def _host_and_ports(text: str) -> tuple[str, str]:
    """`ADDRESS[/PREFIX][:PORTS]`, an IPv6 address in brackets when ports follow."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        prefix, _, ports = rest.partition(":")
        return host + prefix, ports
    if text.count(":") > 1:
        return text, ""
    host, _, ports = text.partition(":")
    return host, ports
