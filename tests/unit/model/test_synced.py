"""The flags that directors tell each other (`lvs-semantics` B.1)."""

from __future__ import annotations

from director.model import synced


def test_the_mask() -> None:
    """FWD, NOOUTPUT, INACTIVE, SEQ, NO_CPORT and TEMPLATE; neither SYNC, HASHED, ONE_PACKET nor NFCT."""
    assert synced.TOLD == 0x7 | 0x80 | 0x100 | 0x600 | 0x800 | 0x1000
    assert (synced.MASQ, synced.LOCALNODE, synced.TUNNEL, synced.DROUTE, synced.BYPASS) == (0, 1, 2, 3, 4)
