"""Layer 4: virtual services, and what `[l4]` sets for all of them."""

from __future__ import annotations

from attrs import astuple, frozen

from director.model.pools import Address, Forward, Network, SchedulerSpec

PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
"""What a virtual service can be of, with its number in an IP header."""
EVERY_PORT = (0, 65535)


@frozen
class Virtual:
    """The key of a layer-4 service: `protocol` tcp, udp or sctp with host and port, or a mark.

    `fwmark` > 0 makes it a mark service (`family` 4 or 6); host and port are then unused.
    """

    protocol: str = "tcp"
    host: str = ""
    port: int = 0
    fwmark: int = 0
    family: int = 4

    def __str__(self) -> str:
        """As it is written: `udp 192.0.2.53:53` or `fwmark 1 inet6`."""
        if self.fwmark:
            return f"fwmark {self.fwmark}{' inet6' if self.family == 6 else ''}"
        return f"{self.protocol} {Address(self.host, self.port)}"


@frozen
class L4Service:
    """`[l4:NAME]`: a virtual service on raw sockets (`lvs-semantics` B.2).

    `engine` is the persistence engine (`pe = sip`), '' for none; `options` are per-service settings.
    """

    name: str
    virtual: Virtual
    pool: str
    forward: Forward = Forward.NAT
    scheduler: SchedulerSpec | None = None
    persistent: float | None = None
    netmask: int | None = None
    ops: bool = False
    engine: str = ""
    options: tuple[tuple[str, str], ...] = ()


FLOWS_PER_BUCKET = 16
"""Flows the table holds for each of the 2^conn_tab_bits buckets that tools show."""
MOST_FLOWS = 1 << 22
"""The largest table that conn_tab_bits alone can ask for: about 4 GB."""


@frozen
class Mark:
    """One rule that gives packets a firewall mark, as `iptables -t mangle` would.

    The first rule that fits decides.  `protocol` is one of `PROTOCOLS`' numbers, 0 = any; `ports` is an
    inclusive range.
    """

    mark: int
    protocol: int
    network: Network
    ports: tuple[int, int] = EVERY_PORT


@frozen
class SyncDaemon:
    """One end of connection synchronisation (`lvs-semantics` J.1): who listens to whom, and by what.

    A master numbers its messages with `syncid`, a backup takes those of its own only, or of all with 0.
    `maxlen` bounds the octets of a message, 0 = what fits into 1500 octets of the interface.
    """

    interface: str
    syncid: int = 0
    group: str = "224.0.0.81"
    port: int = 8848
    ttl: int = 1
    maxlen: int = 0

    def __str__(self) -> str:
        """As it is written."""
        said = zip(("syncid", "group", "port", "ttl", "maxlen"), astuple(self)[1:], strict=True)
        plain = astuple(SyncDaemon(""))[1:]
        extra = [
            f"{word} {value}" for (word, value), usual in zip(said, plain, strict=True) if value != usual
        ]
        return " ".join([self.interface, *extra])


@frozen
class L4Settings:
    """`[l4]`: what holds for all of layer 4; the sysctls of `lvs-semantics` C.7 by their names.

    The only place of their defaults, which are IPVS's; the configuration has checked every value.
    """

    interfaces: tuple[str, ...] = ()
    """Which are captured; all but the loopback when there are none."""
    engine: str = "auto"
    """What moves the packets of known flows: `auto`, `raw` or `bpf`."""
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
    sync_master: SyncDaemon | None = None
    """Tells other directors of the flows here."""
    sync_backup: SyncDaemon | None = None
    """Learns the flows of another director."""
    sync_threshold: tuple[int, int] = (3, 50)
    """A flow is told of at its packet of the first number, then once in the second number of packets."""
    sync_refresh_period: float = 0.0
    """Seconds; a flow is told of again when its end moved by more."""
    sync_retries: int = 0
    """How often it is told of within one refresh period."""
    sync_persist_mode: int = 0
    """1: templates only, not the flows under them."""
    sync_ports: int = 1
    """Over how many ports, from the daemon's on, flows are spread."""
    sync_qlen_max: int = 8192
    """Messages that wait to be sent; more are dropped."""
    sync_version: int = 1
    """Format of messages: 1, or 0 of old kernels."""
    marks: tuple[Mark, ...] = ()
    """What gets a firewall mark, as the lines `mark.N` say it; the first rule that fits decides."""

    @property
    def flow_limit(self) -> int:
        """How many flows and templates the table holds."""
        return self.max_flows or min(FLOWS_PER_BUCKET << self.conn_tab_bits, MOST_FLOWS)
