from __future__ import annotations

from pathlib import Path

import pytest

from director.health.io.contexts import Contexts
from director.model.pools import ServerTLS
from director.model.tls import Certificate
from director.tls.io.certificates import CertificateError
from tests.support.certificates import make


def test_a_context_is_kept_until_the_configuration_changes() -> None:
    contexts = Contexts()
    wanted = ServerTLS(verify=False)
    found = contexts.of(wanted, ())
    assert contexts.of(ServerTLS(verify=False), ()) is found
    assert contexts.of(wanted, (b"h2",)) is not found
    contexts.follow(())
    assert contexts.of(wanted, ()) is not found


def test_what_a_pool_shows_is_shown_by_its_checks(tmp_path: Path) -> None:
    chain, key = make("client").write(tmp_path, "client")
    contexts = Contexts()
    contexts.follow((Certificate("mine", chain, key),))
    contexts.of(ServerTLS(certificate="mine", verify=False), ())
    with pytest.raises(CertificateError, match=r"nothing of \[cert:other\] can be read"):
        contexts.of(ServerTLS(certificate="other", verify=False), ())


def test_authorities_must_be_some(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing", encoding="ascii")
    with pytest.raises(CertificateError, match=r"has no authorities in PEM"):
        Contexts().of(ServerTLS(ca=str(tmp_path / "ca.pem")), ())
