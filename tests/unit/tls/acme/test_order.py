"""Whole orders at an authority written from the RFC, without I/O; and authorities that say nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography import x509

from director.tls.acme.jose import AccountKey
from director.tls.acme.order import NONCES, POLLS, AcmeError, Fetch, Reply, Rest, Show, obtain
from director.tls.acme.proof import ALPN, HTTP, request
from tests.support.authority import Answer, Authority


class Run:
    """Performs an order at an authority; what it was made to do is written down."""

    def __init__(
        self, names: Sequence[str], kinds: Sequence[str] = (ALPN, HTTP), *, believe: bool = True
    ) -> None:
        self.names = names
        self.kinds = kinds
        self.shown: dict[str, Show] = {}
        self.waited: list[float] = []
        self.asked: list[str] = []
        self.authority = Authority(lambda *proof: believe and self.proves(*proof))
        self.answer: Callable[[str, str, bytes], Answer] = self.authority.answer
        self.key = AccountKey.make()

    def proves(self, kind: str, name: str, token: str, authorization: str) -> bool:
        return self.shown.get(name) == Show(kind, name, token, authorization)

    def perform(self) -> bytes:
        _, asked = request(self.names)
        steps = obtain(
            self.authority.base + "/directory", self.key, self.names, asked,
            contact="ops@example.org", kinds=self.kinds, visible=7.0,
        )  # fmt: skip
        reply: Any = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                return bytes(end.value)
            reply = None
            if isinstance(step, Rest):
                self.waited.append(step.seconds)
            elif isinstance(step, Show):
                self.shown[step.name] = step
            else:
                reply = self._ask(step)

    def _ask(self, step: Fetch) -> Reply:
        path = step.url.removeprefix(self.authority.base)
        self.asked.append(path)
        status, headers, body = self.answer("GET" if step.body is None else "POST", path, step.body or b"")
        return Reply(status, {name.lower(): value for name, value in headers.items()}, body)


def test_an_order_for_two_names() -> None:
    run = Run(("a.example", "b.example"))
    run.authority.offers = {"b.example": (HTTP,)}
    chain = x509.load_pem_x509_certificates(run.perform())
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == ["a.example", "b.example"]
    assert run.authority.proved == [(ALPN, "a.example"), (HTTP, "b.example")]
    assert run.authority.contacts == [["mailto:ops@example.org"]]
    assert run.waited == [7.0]


@pytest.mark.parametrize("count", [1, NONCES - 1])
def test_a_nonce_that_is_not_taken_is_no_end(count: int) -> None:
    """RFC 8555 6.5."""
    run = Run(("a.example",))
    run.authority.bad_nonces = count
    assert run.perform()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda run: setattr(run.authority, "bad_nonces", 99), "badNonce"),
        (lambda run: setattr(run, "names", ("no.example",)), "rejectedIdentifier: not no.example"),
        (lambda run: run.authority.offers.update({"a.example": ("dns-01",)}), "offers dns-01"),
        (lambda run: run.authority.offers.update({"a.example": ()}), "offers nothing"),
    ],
)
def test_what_an_authority_refuses_is_said(change: Callable[[Run], object], text: str) -> None:
    run = Run(("a.example",))
    change(run)
    with pytest.raises(AcmeError, match=text):
        run.perform()


def test_a_name_that_is_not_believed() -> None:
    run = Run(("a.example",), (HTTP,), believe=False)
    with pytest.raises(
        AcmeError, match=r"a.example was not shown to be ours by http-01: unauthorized: not shown.*80"
    ):
        run.perform()


def changed(
    run: Run, path: str, change: Callable[[dict[str, Any]], Any], status: int = 0, **more: str
) -> None:
    """The answers to requests for a path are others."""
    answer = run.answer

    def other(method: str, asked: str, body: bytes) -> Answer:
        code, headers, text = answer(method, asked, body)
        if asked.startswith(path):
            text = json.dumps(change(json.loads(text))).encode()
            return (
                status or code,
                headers | {name.replace("_", "-"): value for name, value in more.items()},
                text,
            )
        return code, headers, text

    run.answer = other


@pytest.mark.parametrize("token", ["", "../../x", "a/b", "a b", "x" * 201, ".", None])
def test_a_token_becomes_a_file_and_must_be_one(token: Any) -> None:
    run = Run(("a.example",))

    def change(found: dict[str, Any]) -> dict[str, Any]:
        for one in found["challenges"]:
            one["token"] = token
        return found

    changed(run, "/authz/", change)
    with pytest.raises(AcmeError, match="token is none") if token is not None else pytest.raises(AcmeError):
        run.perform()


@pytest.mark.parametrize("found", [[], {}, "x", {"newNonce": 1}])
def test_what_is_no_directory(found: Any) -> None:
    run = Run(("a.example",))
    changed(run, "/directory", lambda _: found)
    with pytest.raises(AcmeError):
        run.perform()


def test_who_never_makes_up_its_mind_is_asked_so_often_and_no_more() -> None:
    run = Run(("a.example",))
    changed(run, "/authz/", lambda found: found | {"status": "pending"}, Retry_After="1000000")
    with pytest.raises(AcmeError, match="still"):
        run.perform()
    assert run.asked.count("/authz/0") == POLLS + 1
    assert max(run.waited) <= 30.0


def test_who_has_had_enough_says_for_how_long() -> None:
    run = Run(("a.example",))
    limited = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many"}
    changed(run, "/order", lambda _: limited, 429, Retry_After="7200")
    with pytest.raises(AcmeError, match="rateLimited: too many") as caught:
        run.perform()
    assert caught.value.wait == 7200.0


def test_an_order_that_ends_badly() -> None:
    run = Run(("a.example",))
    changed(run, "/order/", lambda found: found | {"status": "invalid", "error": {"detail": "caa"}})
    with pytest.raises(AcmeError, match=r"not fulfilled|caa|answered"):
        run.perform()
