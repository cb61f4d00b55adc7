from __future__ import annotations

import resource

import pytest

from director.l7.io.descriptors import client_limit


@pytest.mark.parametrize(("soft", "clients"), [(20_000, 14_904), (1024, 672), (64, 16)])
def test_three_quarters_of_what_is_not_reserved(
    soft: int, clients: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (soft, soft))
    assert client_limit() == clients
