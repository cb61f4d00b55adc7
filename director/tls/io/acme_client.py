"""Performs the steps of an ACME order: requests to the authority over HTTPS, waits, and proofs.

The authority is verified like any server: by the system's authorities, or by those of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate, platformTrust, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from director.tls.acme.order import AcmeError, Fetch, Reply, Rest, Show, Step, Steps

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 30.0
"""For one answer to be whole."""
LARGEST_ANSWER = 1 << 18
"""Octets of an answer: a chain has some thousand."""
AGENT = b"director"
"""RFC 8555 6.1 wants a name."""


class AcmeClient:
    """A client of one authority.

    Args:
        authorities: PEM of who signs the authority's own certificate, b"" for the system's.
    """

    def __init__(self, reactor: Any, authorities: bytes = b"") -> None:
        self._reactor = reactor
        trust = platformTrust()
        if authorities:
            mark = b"-----BEGIN CERTIFICATE-----"
            parts = authorities.split(mark)[1:]
            trust = trustRootFromCertificates([Certificate.loadPEM(mark + part) for part in parts])
        policy = BrowserLikePolicyForHTTPS(trust)
        self._agent = Agent(reactor, policy, connectTimeout=CONNECT_SECONDS)

    @inlineCallbacks
    def perform(self, steps: Steps, show: Callable[[Show], object]) -> Generator[Deferred[Any], Any, Any]:
        """Do all steps; `show` makes a proof visible.

        The result is what the steps return; it fails with AcmeError, or with what `show` raises.
        """
        answer: Any = None
        try:
            while True:
                step: Step = steps.send(answer)
                answer = None
                if isinstance(step, Fetch):
                    answer = yield self._ask(step)
                elif isinstance(step, Rest):
                    yield deferLater(self._reactor, step.seconds)
                else:
                    show(step)
        except StopIteration as end:
            return end.value
        finally:
            steps.close()

    @inlineCallbacks
    def _ask(self, step: Fetch) -> Generator[Deferred[Any], Any, Reply]:
        headers = Headers({b"User-Agent": [AGENT]})
        body = None
        if step.body is not None:
            headers.setRawHeaders(b"Content-Type", [b"application/jose+json"])
            body = _Octets(step.body)
        try:
            asked = self._agent.request(
                b"GET" if body is None else b"POST", step.url.encode("ascii"), headers, body
            )
            response = yield asked.addTimeout(ANSWER_SECONDS, self._reactor)
            reader = _Reader()
            response.deliverBody(reader)
            octets = yield reader.whole.addTimeout(ANSWER_SECONDS, self._reactor)
        except Exception as error:
            raise AcmeError(f"{step.url} cannot be asked: {_words(error)}") from error
        found = {
            name.decode("latin-1").lower(): values[-1].decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        return Reply(response.code, found, octets)


def _words(error: Exception) -> str:
    """What went wrong; Twisted's failures hold the reason in a list."""
    reasons = getattr(error, "reasons", None)
    inner = reasons[0].value if reasons else error
    return f"{inner}" or type(inner).__name__


@implementer(IBodyProducer)
class _Octets:
    """A request's body."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.length = len(octets)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """All at once."""
        consumer.write(self._octets)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def pauseProducing(self) -> None:
        """It is written already."""

    resumeProducing = stopProducing = pauseProducing


class _Reader(Protocol):
    """Reads an answer's body, up to a bound."""

    def __init__(self) -> None:
        self._octets = b""
        self.whole: Deferred[bytes] = Deferred(lambda _: self._abort())

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def dataReceived(self, data: bytes) -> None:
        """More of it."""
        self._octets += data
        if len(self._octets) > LARGEST_ANSWER:
            self._abort()

    def connectionLost(self, reason: Failure = None) -> None:  # type: ignore[assignment]
        """The end, of the body or of the connection."""
        if self.whole.called:
            return
        if reason.check(ResponseDone) and len(self._octets) <= LARGEST_ANSWER:
            self.whole.callback(self._octets)
        else:
            self.whole.errback(reason)


def read_authorities(path: str) -> bytes:
    """The PEM of a file, b"" for no file.  Raises OSError."""
    return Path(path).read_bytes() if path else b""
