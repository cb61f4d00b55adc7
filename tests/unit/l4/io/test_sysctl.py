"""Values as Linux `ip-sysctl.rst` defines them."""

from __future__ import annotations

from pathlib import Path

import pytest

from director.l4.io import sysctl


@pytest.mark.parametrize(("every", "own", "counts"), [(0, 2, 2), (1, 0, 1), (8, 1, 8), (0, 0, 0)])
def test_the_larger_of_both_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int, own: int, counts: int
) -> None:
    for name, value in (("all", every), ("eth0", own)):
        place = tmp_path / "ipv4/conf" / name
        place.mkdir(parents=True)
        (place / "arp_ignore").write_text(f"{value}\n")
    monkeypatch.setattr(sysctl, "_CONF", tmp_path)
    assert sysctl.arp_ignore("eth0") == counts
    assert sysctl.arp_ignore("eth9") == every, "an interface that has gone has no value"
    assert not sysctl.forwards_v6("eth0")
    assert not sysctl.disables_v6("eth0")
    (tmp_path / "ipv6/conf/eth0").mkdir(parents=True)
    (tmp_path / "ipv6/conf/eth0/disable_ipv6").write_text("1\n")
    assert sysctl.disables_v6("eth0")
