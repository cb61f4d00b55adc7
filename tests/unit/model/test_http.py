from __future__ import annotations

from director.model import http
from director.model.pools import Address


def test_a_rule_is_named_as_its_section() -> None:
    assert http.Rule(100, "images", "www").name == "100 images"
    assert http.Rule(100, "", "www").name == "100"


def test_a_rule_shows_what_was_written_where_that_keeps_a_secret() -> None:
    rule = http.Rule(1, "", "www", written=(("when", "header X = ${file:k}"),), secrets=("s3cr3t",))
    assert rule.shown("when", "header x = s3cr3t") == "header X = ${file:k}"
    assert rule.shown("redirect", "302 /new") == "302 /new"
    assert rule.masked("to s3cr3t/s3cr3t") == "to ***/***"
    assert "s3cr3t" not in repr(rule)


def test_a_service_that_is_not_started_listens_nowhere() -> None:
    listen = (Address("127.0.0.1", 80),)
    assert http.L7Service("www", listen).places == listen
    assert http.L7Service("www", listen, start=False).places == ()
