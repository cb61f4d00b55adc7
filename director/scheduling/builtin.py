"""The schedulers that come with the director: the one list of them.

`twisted/plugins/director_schedulers.py` makes plug-ins of it, and the configuration knows by it what stands
behind `scheduler =` where nobody has looked for installed ones.  Each names its class; nothing is imported
until used.
"""

from __future__ import annotations

from director.scheduling.catalog import Declaration

_PLACE = "director.scheduling"
_SAME = "the weighted least connections of KTCPVS (A.11 of the LVS reference); here the same as wlc"

BUILT_IN = (
    # --- IPVS ---
    Declaration("rr", "Round robin: one after the other.", f"{_PLACE}.rr:RoundRobin"),
    Declaration(
        "wrr",
        "Weighted round robin: in turn, as often as the weight says.",
        f"{_PLACE}.wrr:WeightedRoundRobin",
    ),
    Declaration("lc", "Least connections.", f"{_PLACE}.lc:LeastConnections"),
    Declaration("wlc", "Least connections by weight; the default.", f"{_PLACE}.wlc:WeightedLeastConnections"),
    Declaration(
        "sed", "Shortest expected delay: (active + 1) / weight.", f"{_PLACE}.sed:ShortestExpectedDelay"
    ),
    Declaration("nq", "Never queue: an idle server first, else as sed.", f"{_PLACE}.nq:NeverQueue"),
    Declaration("fo", "Failover: the heaviest server takes all.", f"{_PLACE}.fo:WeightedFailover"),
    Declaration(
        "ovf",
        "Overflow: the heaviest server up to its weight, then the next.",
        f"{_PLACE}.ovf:WeightedOverflow",
    ),
    Declaration("dh", "Destination hashing: by the virtual address.", f"{_PLACE}.dh:DestinationHash"),
    Declaration(
        "sh", "Source hashing: by the client's address.", f"{_PLACE}.sh:SourceHash", ("fallback", "port")
    ),
    Declaration(
        "mh",
        "Maglev hashing: by the client's address, few clients move when servers change.",
        f"{_PLACE}.mh:MaglevHash",
        ("fallback", "port"),
    ),
    Declaration(
        "lblc",
        "Locality-based least connections: one server per virtual address until it is overburdened.",
        f"{_PLACE}.lblc:LocalityLeastConnections",
    ),
    Declaration(
        "lblcr",
        "Locality-based least connections with replication: a set of servers per virtual address.",
        f"{_PLACE}.lblcr:LocalityReplicated",
    ),
    Declaration(
        "twos", "The less loaded of two drawn in proportion to their weights.", f"{_PLACE}.twos:PowerOfTwo"
    ),
    # --- beyond ---
    Declaration("random", "A draw in proportion to the weights.", f"{_PLACE}.random:WeightedRandom"),
    Declaration("p2c", "The less loaded of two drawn at random.", f"{_PLACE}.p2c:PowerOfTwoUniform"),
    Declaration(
        "ewma",
        "Peak EWMA: of two drawn at random the one with less latency times load.",
        f"{_PLACE}.ewma:PeakEwma",
    ),
    Declaration(
        "least-time", "The least latency times load by weight, of all.", f"{_PLACE}.least_time:LeastTime"
    ),
    Declaration(
        "hash",
        "Consistent hashing of a fact of the request: hash(cookie sid), hash(path) bounded.",
        f"{_PLACE}.hash:RendezvousHash",
        ("bounded",),
        takes_argument=True,
    ),
    Declaration(
        "test", "First fit: the first server with room (LVS's own tutorial).", f"{_PLACE}.test:FirstFit"
    ),
    # --- names of KTCPVS ---
    Declaration("http", f"KTCPVS http: {_SAME}.", f"{_PLACE}.wlc:WeightedLeastConnections"),
    Declaration("phttp", f"KTCPVS phttp: {_SAME}.", f"{_PLACE}.wlc:WeightedLeastConnections"),
    Declaration("chttp", f"KTCPVS chttp: {_SAME}.", f"{_PLACE}.wlc:WeightedLeastConnections"),
    Declaration(
        "hhttp",
        "KTCPVS hhttp: the byte sum of the rule's hash value, modulo the servers.",
        f"{_PLACE}.hhttp:KtcpvsHash",
    ),
)
"""IPVS's, ours, and KTCPVS's names."""
