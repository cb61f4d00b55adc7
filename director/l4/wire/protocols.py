"""The numbers of IP protocols (IANA), the words for them, and the least length of their headers.

The only place of layer 4 that says them; those that a service can be of are `model.virtual`'s.
"""

from __future__ import annotations

from director.model.virtual import PROTOCOLS

ICMP, IPIP, IPV6_IN_IP, GRE, ESP, AH, ICMPV6 = 1, 4, 41, 47, 50, 51, 58
TCP, UDP, SCTP = (PROTOCOLS[word] for word in ("tcp", "udp", "sctp"))
PORTS = frozenset(PROTOCOLS.values())
"""Protocols whose headers begin with two ports."""
IPSEC = frozenset({ESP, AH})
"""Protocols without ports that follow the ISAKMP flow of their ends (`lvs-semantics` D.5)."""
HEADER = {TCP: 20, UDP: 8, SCTP: 12, ICMP: 8, ICMPV6: 8}
"""Octets of the shortest header (RFC 9293, 768, 9260, 792, 4443)."""
