"""The schedulers that come with the director.  Each names its class; nothing is imported until used."""

from director.plugins import SchedulerPlugin

PLACE = "director.scheduling"
SAME = "the weighted least connections of KTCPVS (A.11 of the LVS reference); here the same as wlc"

# --- IPVS ---
rr = SchedulerPlugin("rr", "Round robin: one after the other.", f"{PLACE}.rr:RoundRobin")
wrr = SchedulerPlugin(
    "wrr", "Weighted round robin: in turn, as often as the weight says.", f"{PLACE}.wrr:WeightedRoundRobin"
)
lc = SchedulerPlugin("lc", "Least connections.", f"{PLACE}.lc:LeastConnections")
wlc = SchedulerPlugin(
    "wlc", "Least connections by weight; the default.", f"{PLACE}.wlc:WeightedLeastConnections"
)
sed = SchedulerPlugin(
    "sed", "Shortest expected delay: (active + 1) / weight.", f"{PLACE}.sed:ShortestExpectedDelay"
)
nq = SchedulerPlugin("nq", "Never queue: an idle server first, else as sed.", f"{PLACE}.nq:NeverQueue")
fo = SchedulerPlugin("fo", "Failover: the heaviest server takes all.", f"{PLACE}.fo:WeightedFailover")
ovf = SchedulerPlugin(
    "ovf", "Overflow: the heaviest server up to its weight, then the next.", f"{PLACE}.ovf:WeightedOverflow"
)
dh = SchedulerPlugin("dh", "Destination hashing: by the virtual address.", f"{PLACE}.dh:DestinationHash")
sh = SchedulerPlugin(
    "sh", "Source hashing: by the client's address.", f"{PLACE}.sh:SourceHash", ("fallback", "port")
)
mh = SchedulerPlugin(
    "mh",
    "Maglev hashing: by the client's address, few clients move when servers change.",
    f"{PLACE}.mh:MaglevHash",
    ("fallback", "port"),
)
lblc = SchedulerPlugin(
    "lblc",
    "Locality-based least connections: one server per virtual address until it is overburdened.",
    f"{PLACE}.lblc:LocalityLeastConnections",
)
lblcr = SchedulerPlugin(
    "lblcr",
    "Locality-based least connections with replication: a set of servers per virtual address.",
    f"{PLACE}.lblcr:LocalityReplicated",
)
twos = SchedulerPlugin(
    "twos", "The less loaded of two drawn in proportion to their weights.", f"{PLACE}.twos:PowerOfTwo"
)

# --- beyond ---
random = SchedulerPlugin("random", "A draw in proportion to the weights.", f"{PLACE}.random:WeightedRandom")
p2c = SchedulerPlugin("p2c", "The less loaded of two drawn at random.", f"{PLACE}.p2c:PowerOfTwoUniform")
ewma = SchedulerPlugin(
    "ewma",
    "Peak EWMA: of two drawn at random the one with less latency times load.",
    f"{PLACE}.ewma:PeakEwma",
)
least_time = SchedulerPlugin(
    "least-time", "The least latency times load by weight, of all.", f"{PLACE}.least_time:LeastTime"
)
hash_ = SchedulerPlugin(
    "hash",
    "Consistent hashing of a fact of the request: hash(cookie sid), hash(path) bounded.",
    f"{PLACE}.hash:RendezvousHash",
    ("bounded",),
    takes_argument=True,
)
test = SchedulerPlugin(
    "test", "First fit: the first server with room (LVS's own tutorial).", f"{PLACE}.test:FirstFit"
)

# --- names of KTCPVS ---
http = SchedulerPlugin("http", f"KTCPVS http: {SAME}.", f"{PLACE}.wlc:WeightedLeastConnections")
phttp = SchedulerPlugin("phttp", f"KTCPVS phttp: {SAME}.", f"{PLACE}.wlc:WeightedLeastConnections")
chttp = SchedulerPlugin("chttp", f"KTCPVS chttp: {SAME}.", f"{PLACE}.wlc:WeightedLeastConnections")
hhttp = SchedulerPlugin(
    "hhttp",
    "KTCPVS hhttp: the byte sum of the rule's hash value, modulo the servers.",
    f"{PLACE}.hhttp:KtcpvsHash",
)
