"""The numbers of IP protocols (IANA), the words for them, and the least length of their headers.

The only place of layer 4 that defines them; the configuration's words are `model.virtual`'s.
"""

from __future__ import annotations

ICMP, IPIP, TCP, UDP, IPV6_IN_IP, GRE, ESP, AH, ICMPV6, SCTP = 1, 4, 6, 17, 41, 47, 50, 51, 58, 132

NUMBERS = {"tcp": TCP, "udp": UDP, "sctp": SCTP}
"""What a virtual service can be of, as the configuration writes it."""
PORTS = frozenset(NUMBERS.values())
"""Protocols whose headers begin with two ports."""
IPSEC = frozenset({ESP, AH})
"""Protocols without ports that follow the ISAKMP flow of their ends (`lvs-semantics` D.5)."""
HEADER = {TCP: 20, UDP: 8, SCTP: 12, ICMP: 8, ICMPV6: 8}
"""Octets of the shortest header (RFC 9293, 768, 9260, 792, 4443)."""
