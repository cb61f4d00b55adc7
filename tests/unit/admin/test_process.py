from __future__ import annotations

import os
import resource

from director.admin.process import facts


def test_facts_agree_with_the_system() -> None:
    found = facts("0.1", 5.0, stalls=2, worst_stall=0.1)
    assert (found.version, found.started, found.stalls, found.worst_stall) == ("0.1", 5.0, 2, 0.1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert found.rss is not None
    assert 1_000_000 < found.rss <= peak * 1.1


def test_descriptors_are_counted() -> None:
    before = facts("0.1", 5.0).fds
    reader, writer = os.pipe()
    try:
        after = facts("0.1", 5.0).fds
    finally:
        os.close(reader)
        os.close(writer)
    assert before is not None
    assert after == before + 2
