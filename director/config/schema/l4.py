"""Sections `[l4]` and `[l4:NAME]`; defaults and ranges are those of `lvs-semantics` C.7, D and I.1."""

from __future__ import annotations

from collections.abc import Callable

from director.config.parse import schedulers, servers, values, virtuals
from director.config.schema.shape import Key, Kind


def _sysctl(
    name: str, default: str, form: tuple[str, Callable[[str], object]], doc: str, example: str
) -> Key:
    """A sysctl; `form` is what it takes in words and as a parser."""
    return Key(name, form[0], values.on_text(form[1]), doc, default=default, example=example)


def _switch(name: str, default: str, doc: str) -> Key:
    return _sysctl(name, default, ("0 or 1", virtuals.flag), doc, "1" if default == "0" else "0")


SYSCTLS = (
    _sysctl(
        "amemthresh",
        "1024",
        ("pages", virtuals.number(0, 2**31 - 1)),
        "The low-memory mark of the defence.",
        "4096",
    ),
    _sysctl(
        "am_droprate",
        "10",
        ("1 to 1048576", virtuals.number(1, 1 << 20)),
        "With `drop_packet = 3`, each so-many-th packet that would open a flow is dropped.",
        "20",
    ),
    _switch("backup_only", "0", "Forward nothing while the backup sync daemon runs."),
    _switch("cache_bypass", "0", "Send to the original destination when a mark service has no server."),
    _sysctl(
        "conn_reuse_mode",
        "1",
        ("0 to 3", virtuals.number(0, 3)),
        "When a client port is used again: 0 keep the flow, 1 schedule anew in "
        "closing states, 2 also in FIN_WAIT.",
        "0",
    ),
    _sysctl(
        "drop_entry",
        "0",
        ("0 to 3", virtuals.number(0, 3)),
        "Drop half-open flows: 0 never, 1 and 2 when memory is low, 3 always.",
        "1",
    ),
    _sysctl(
        "drop_packet",
        "0",
        ("0 to 3", virtuals.number(0, 3)),
        "Drop packets that open flows: 0 never, 1 and 2 when memory is low, 3 always.",
        "1",
    ),
    _switch("expire_nodest_conn", "0", "End flows of a removed server at their next packet."),
    _switch("expire_quiescent_template", "0", "A server with weight 0 loses its persistent clients at once."),
    _switch("ignore_tunneled", "0", "Packets of unknown protocols are not looked into a second time."),
    _sysctl(
        "lblc_expiration",
        "1d",
        ("duration", virtuals.seconds),
        "How long `lblc` remembers an unused destination.",
        "6h",
    ),
    _sysctl(
        "lblcr_expiration",
        "1d",
        ("duration", virtuals.seconds),
        "How long `lblcr` remembers an unused destination, and leaves its set of servers alone.",
        "6h",
    ),
    _switch("nat_icmp_send", "0", "Tell a NAT server by ICMP that its packet has no flow."),
    _switch("pmtu_disc", "1", "Honour DF and send frag-needed for tunnels."),
    _switch("run_estimation", "1", "Keep rates; 0 freezes them."),
    _switch("schedule_icmp", "0", "Open flows from ICMP errors."),
    _sysctl(
        "secure_tcp",
        "0",
        ("0 to 3", virtuals.number(0, 3)),
        "The secure TCP state table: 0 never, 1 and 2 when memory is low, 3 always.",
        "1",
    ),
    _switch("sloppy_tcp", "0", "Any TCP packet without RST opens a flow."),
    _switch("sloppy_sctp", "0", "Any SCTP packet without ABORT opens a flow."),
    _switch(
        "sync_persist_mode",
        "0",
        "Tell other directors of templates only, not of the flows that they control.",
    ),
    _sysctl(
        "sync_ports",
        "1",
        ("1, 2, 4 … 64", virtuals.power_of_two),
        "Over how many ports synchronisation is spread.",
        "2",
    ),
    _sysctl(
        "sync_qlen_max",
        "8192",
        ("number", virtuals.number(1, 2**31 - 1)),
        "How many messages wait to be sent; more are dropped and counted.",
        "1024",
    ),
    _sysctl(
        "sync_refresh_period",
        "0",
        ("duration", virtuals.seconds),
        "Send a flow again when its timeout changed by more than this; 0 = by `sync_threshold` alone.",
        "10s",
    ),
    _sysctl(
        "sync_retries",
        "0",
        ("0 to 3", virtuals.number(0, 3)),
        "How often more a flow is told of within one `sync_refresh_period`.",
        "2",
    ),
    _sysctl(
        "sync_threshold",
        "3 50",
        ("`THRESHOLD PERIOD`", virtuals.sync_threshold),
        "A flow is sent at its packet THRESHOLD and then once in PERIOD packets.",
        "3 100",
    ),
    _sysctl(
        "sync_version", "1", ("0 or 1", virtuals.flag), "The format of messages; 0 is for old kernels.", "0"
    ),
)

_DAEMON = "interface, then `syncid N`, `group ADDRESS`, `port N`, `ttl N`, `maxlen N`"

OWN = (
    _sysctl(
        "max_flows",
        "0",
        ("0 to 16777216", virtuals.number(0, 1 << 24)),
        "The most flows and templates at a time, about 1 kB each; 0 = 16 for each place of `conn_tab_bits`.",
        "200000",
    ),
    _sysctl(
        "icmp_rate",
        "1000",
        ("0 to 1000000", virtuals.number(0, 1_000_000)),
        "The most ICMP errors that the director itself sends in a second.",
        "100",
    ),
    _sysctl(
        "ftp_ports",
        "21",
        ("one to eight ports", virtuals.ports),
        "Virtual ports of FTP control connections; NAT follows the data connections they announce.",
        "21, 2121",
    ),
    Key(
        "mark.NAME",
        "`PROTOCOL ADDRESS[/PREFIX][:PORT[-PORT]]`, several separated by commas; `ip` = every protocol",
        values.on_text(virtuals.marks),
        "What gets the firewall mark NAME, a number: packets to these addresses belong to the service of "
        "that mark. The first rule that fits decides.",
        example="tcp 192.0.2.0/28:80, tcp 192.0.2.0/28:443",
    ),
    Key(
        "sync.master",
        _DAEMON,
        values.on_text(virtuals.sync_daemon),
        "Tell other directors of the flows here, so that they go on there when this one fails.",
        example="eth0 syncid 7",
    ),
    Key(
        "sync.backup",
        _DAEMON,
        values.on_text(virtuals.sync_daemon),
        "Learn the flows of another director, of one `syncid` or of all (0), for when it fails.",
        example="eth0 syncid 7",
    ),
)
"""Keys of `[l4]` that IPVS has not, or not as sysctls."""

WITHOUT_MEANING = {
    "conntrack": "there is no netfilter connection beside a flow of the director",
    "debug_level": "use log and trace in [director]",
    "est_cpulist": "rates are kept by the director's own process",
    "est_nice": "rates are kept by the director's own process; use nice for all of it",
    "snat_reroute": "every packet is routed after it was rewritten",
    "sync_sock_size": "the system's default is used",
}
"""Sysctls of IPVS that have no meaning in user space, and what stands in their place."""

L4_SETTINGS = Kind(
    "l4",
    "",
    "Layer 4 as a whole. Beside its own keys it takes the sysctls of IPVS by their names.",
    (
        Key(
            "interfaces",
            "list of interfaces",
            values.NAMES,
            "On which interfaces packets are taken in; without it on all but the loopback.",
            example="eth0, eth1",
        ),
        Key(
            "engine",
            "`auto`, `raw` or `bpf`",
            values.choice("auto", "raw", "bpf"),
            "What moves the packets of known flows: Python, or a program in the kernel.",
            default="auto",
            example="raw",
        ),
        Key(
            "conn_tab_bits",
            "8 to 27",
            values.count(8, 27),
            "The size of the flow table is 2 to this power.",
            default="12",
            example="16",
        ),
        Key(
            "timeout.tcp",
            "duration",
            values.duration(1.0),
            "How long an established TCP flow may be silent.",
            default="15m",
            example="1h",
        ),
        Key(
            "timeout.tcpfin",
            "duration",
            values.duration(1.0),
            "How long a TCP flow is kept after a FIN.",
            default="2m",
            example="30s",
        ),
        Key(
            "timeout.udp",
            "duration",
            values.duration(1.0),
            "How long a UDP flow may be silent.",
            default="5m",
            example="30s",
        ),
        *OWN,
        *SYSCTLS,
    ),
)

L4_SERVICE = Kind(
    "l4",
    "NAME",
    "A virtual service of layer 4.",
    (
        Key(
            "virtual",
            "`tcp`, `udp` or `sctp` and `ADDRESS:PORT`, or `fwmark NUMBER [inet6]`",
            values.on_text(virtuals.virtual),
            "What clients connect to. Port 0 = all ports; the service must then be persistent.",
            example="udp 192.0.2.53:53",
            required=True,
        ),
        Key("pool", "pool", values.NAME, "Its servers.", example="dns", required=True),
        Key(
            "forward",
            "`nat`, `dr`, `tun` or `local`",
            values.on_text(servers.forward),
            "How packets reach a server; a server's own `forward=` goes before it.",
            default="nat",
            example="dr",
        ),
        Key(
            "scheduler",
            "scheduler",
            values.on_text(schedulers.scheduler),
            "Overrides that of the pool.",
            example="rr",
        ),
        Key(
            "persistent",
            "duration",
            values.duration(1.0, 2678400.0),
            "Clients of one network stay with one server until so long after their last flow.",
            example="300s",
        ),
        Key(
            "netmask",
            "prefix length or mask",
            values.on_text(virtuals.netmask),
            "How much of the client's address `persistent` looks at.",
            example="24",
        ),
        Key(
            "ops",
            "`yes` or `no`",
            values.SWITCH,
            "Schedule each UDP packet by itself.",
            default="no",
            example="yes",
        ),
        Key(
            "pe",
            "`sip`",
            values.choice("sip"),
            "The persistence engine: `sip` follows the Call-ID. For UDP only.",
            example="sip",
        ),
    ),
)

KINDS = (L4_SETTINGS, L4_SERVICE)
