from __future__ import annotations

import pytest

from tests.support.configurations import read_ini

SERVICE = (
    "[cert:c]\nfile = c.pem\n[pool:p]\nserver.a = 127.0.0.1:9\n[l7:s]\nlisten = 127.0.0.1:8443\npool = p\n"
)


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("tls.client = required\n", "tls.client"),
        ("hsts = 1d\n", "hsts"),
        ("tls = c\ntls.client = required\n", "tls.client"),
        ("tls = c\ntls.client_ca = x.pem\n", "tls.client_ca"),
        ("tls = c\nclient_cert = rfc9440\n", "client_cert"),
        ("tls = none\n", "tls"),
        ("protocol = tls-passthrough\ntls = c\n", "tls"),
    ],
)
def test_what_a_service_cannot_mean(lines: str, key: str) -> None:
    assert [one.key for one in read_ini(SERVICE + lines).problems] == [key]


def test_a_service_may_mix_clear_and_tls() -> None:
    text = SERVICE.replace("127.0.0.1:8443", "127.0.0.1:8080, 127.0.0.1:8443 tls") + "tls = c\n"
    loaded = read_ini(text)
    assert not loaded.problems
    (service,) = loaded.require().l7
    assert service.tls is not None
    assert [str(one) for one in service.tls.addresses] == ["127.0.0.1:8443"]
    assert [str(one) for one in service.listen] == ["127.0.0.1:8080", "127.0.0.1:8443"]


def test_the_word_tls_needs_certificates() -> None:
    text = SERVICE.replace("127.0.0.1:8443", "127.0.0.1:8443 tls")
    assert [one.key for one in read_ini(text).problems] == ["listen"]


@pytest.mark.parametrize(
    ("lines", "key"),
    [("tls.ca = x\n", "tls.ca"), ("tls.name = a.b\n", "tls.name"), ("tls.cert = c\n", "tls.cert")],
)
def test_a_pool_without_tls_has_none_of_its_keys(lines: str, key: str) -> None:
    text = SERVICE.replace("server.a = 127.0.0.1:9\n", "server.a = 127.0.0.1:9\n" + lines)
    assert [one.key for one in read_ini(text).problems] == [key]


def test_a_folder_and_a_file_are_one_too_many() -> None:
    text = "[cert:c]\nfile = a\nfolder = b\n" + SERVICE.partition("c.pem\n")[2]
    assert [one.key for one in read_ini(text).problems] == ["file"]
