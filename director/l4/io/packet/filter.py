"""Classic BPF programs that choose which frames reach a packet socket.

Pure: addresses in, instructions out.  `ring` attaches the result before it binds, so that
no stray frame is ever queued.  The filter chooses by address only; which ports are the
director's is the forwarder's business, so a fragment without ports comes up as well.

Source: Linux `filter.h` (struct sock_filter, ancillary offsets), RFC 791, RFC 792, RFC 8200, RFC 4443.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable

from director.l4.io.capture.plan import Address, CapturePlan

MAX_INSTRUCTIONS = 4096
"""BPF_MAXINSNS of the kernel; a longer program is refused by setsockopt."""

SNAPLEN = 0x40000
ACCEPT_ICMP = (3, 4, 11)
"""ICMP errors that may be about a flow (`lvs-semantics` D.6)."""

_INSTRUCTION = struct.Struct("=HBBI")
_PACKET_TYPE = 0xFFFFF004
"""SKF_AD_OFF + SKF_AD_PKTTYPE; 0 = PACKET_HOST, addressed to this machine."""

_LD_WORD, _LD_HALF, _LD_BYTE = 0x20, 0x28, 0x30
_LDX_HEADER, _LD_BYTE_INDEXED = 0xB1, 0x50
_JUMP, _JUMP_EQUAL, _JUMP_GREATER, _RETURN = 0x05, 0x15, 0x25, 0x06

Instruction = tuple[int, int, int, int]


def program(plan: CapturePlan) -> list[Instruction]:
    """Instructions that accept what `plan` may concern: (code, jump true, jump false, k).

    Accepted are frames sent to this machine's own link-layer address that are IPv4 or IPv6
    and go to a virtual address, come from a server behind NAT, or carry an ICMP error.  A
    plan with more addresses than a program can hold gets one that accepts all IP.
    """
    full = _program(plan.addresses(4), plan.addresses(6))
    if plan.everything or len(full) > MAX_INSTRUCTIONS:
        return accept_all_ip()
    return full


def accept_all_ip() -> list[Instruction]:
    """Every IPv4 and IPv6 frame addressed to this machine."""
    return [
        (_LD_WORD, 0, 0, _PACKET_TYPE),
        (_JUMP_EQUAL, 0, 3, 0),
        (_LD_HALF, 0, 0, 12),
        (_JUMP_EQUAL, 2, 0, 0x0800),
        (_JUMP_EQUAL, 1, 0, 0x86DD),
        (_RETURN, 0, 0, 0),
        (_RETURN, 0, 0, SNAPLEN),
    ]


def assemble(instructions: Iterable[Instruction]) -> bytes:
    """The program as an array of struct sock_filter in the machine's byte order."""
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in instructions)


def _program(four: tuple[Address, ...], six: tuple[Address, ...]) -> list[Instruction]:
    section4, section6 = _section4(four), _section6(six)
    return [
        (_LD_WORD, 0, 0, _PACKET_TYPE),
        (_JUMP_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, 0),
        (_LD_HALF, 0, 0, 12),
        (_JUMP_EQUAL, 0, 1, 0x86DD),
        (_JUMP, 0, 0, 2 + len(section4)),
        (_JUMP_EQUAL, 1, 0, 0x0800),
        (_RETURN, 0, 0, 0),
        *section4,
        *section6,
    ]


def _accept_if(value: int) -> list[Instruction]:
    return [(_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, SNAPLEN)]


def _section4(addresses: tuple[Address, ...]) -> list[Instruction]:
    """ICMP errors first (the type stands behind a header of variable length), then addresses."""
    types = [step for kind in ACCEPT_ICMP for step in _accept_if(kind)]
    steps: list[Instruction] = [
        (_LD_BYTE, 0, 0, 23),
        (_JUMP_EQUAL, 0, 2 + len(types), 1),
        (_LDX_HEADER, 0, 0, 14),
        (_LD_BYTE_INDEXED, 0, 0, 14),
        *types,
    ]
    numbers = [int(address) for address in addresses]
    for offset in (30, 26):
        steps.append((_LD_WORD, 0, 0, offset))
        steps += [step for number in numbers for step in _accept_if(number)]
    return [*steps, (_RETURN, 0, 0, 0)]


def _section6(addresses: tuple[Address, ...]) -> list[Instruction]:
    """ICMPv6 errors directly behind the fixed header, then addresses, four words each."""
    steps: list[Instruction] = [
        (_LD_BYTE, 0, 0, 20),
        (_JUMP_EQUAL, 0, 3, 58),
        (_LD_BYTE, 0, 0, 54),
        (_JUMP_GREATER, 1, 0, 127),
        (_RETURN, 0, 0, SNAPLEN),
    ]
    for offset in (38, 22):
        for address in addresses:
            words = struct.unpack("!4I", ipaddress.IPv6Address(int(address)).packed)
            for number, word in enumerate(words):
                steps.append((_LD_WORD, 0, 0, offset + 4 * number))
                steps.append((_JUMP_EQUAL, 0, 7 - 2 * number, word))
            steps.append((_RETURN, 0, 0, SNAPLEN))
    return [*steps, (_RETURN, 0, 0, 0)]
