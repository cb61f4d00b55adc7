from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from director.l7.io.tls_contexts import TLSContexts
from director.model.http import L7Service
from director.model.pools import Address, ServerTLS
from director.model.tls import ListenerTLS
from director.tls.io.certificates import CertificateError, Pair, make_pair
from tests.support.certificates import make
from tests.support.said import said

HERE = Address("127.0.0.1", 8443)
SHOP = make("shop.example")
SERVICE = L7Service("www", (HERE,), tls=ListenerTLS(("shop",), (HERE,)))


@pytest.fixture
def pairs() -> dict[str, tuple[Pair, ...]]:
    return {"shop": (make_pair("shop", SHOP.chain, SHOP.key, "shop.crt", "shop.key"),)}


def contexts(pairs: dict[str, tuple[Pair, ...]]) -> TLSContexts:
    return TLSContexts(lambda name: pairs.get(name, ()))


def test_a_base_context_outlives_reloads_and_certificates(pairs: dict[str, tuple[Pair, ...]]) -> None:
    made = contexts(pairs)
    made.apply([SERVICE])
    base = made.of_service("www")
    assert base is not None
    assert SERVICE.tls is not None
    made.apply([evolve(SERVICE, pool="other", tls=evolve(SERVICE.tls, hsts=5.0))])
    made.renew()
    assert made.of_service("www") is base
    made.apply([evolve(SERVICE, tls=evolve(SERVICE.tls, profile="modern"))])
    assert made.of_service("www") not in {None, base}
    made.apply([])
    assert made.of_service("www") is None


def test_a_service_without_certificates_says_so_once(pairs: dict[str, tuple[Pair, ...]]) -> None:
    kept = pairs.pop("shop")
    made = contexts(pairs)
    with said() as lines:
        made.apply([SERVICE])
        made.renew()
    assert "nothing of [cert:shop] can be read" in made.lacking["www"]
    assert len([line for line in lines if "cannot speak TLS" in line]) == 1
    assert made.of_service("www") is None
    pairs["shop"] = kept
    made.renew()
    assert made.lacking == {}
    assert made.of_service("www") is not None


def test_towards_servers(pairs: dict[str, tuple[Pair, ...]], tmp_path: Path) -> None:
    made = contexts(pairs)
    wanted = ServerTLS(certificate="shop")
    assert made.of_servers(wanted) is made.of_servers(wanted)
    assert made.of_servers(wanted, wrong="expired") is not made.of_servers(wanted)
    before = made.of_servers(wanted)
    made.renew()
    assert made.of_servers(wanted) is not before
    with pytest.raises(CertificateError, match="cert:none"):
        made.of_servers(ServerTLS(certificate="none"))
    with pytest.raises(CertificateError, match="authorities"):
        made.of_servers(ServerTLS(ca=str(tmp_path / "none.pem")))
