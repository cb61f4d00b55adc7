"""OpenSSL's contexts for checks, made when first needed and kept until the configuration changes.

The system's authorities take milliseconds to read, so no probe makes its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from OpenSSL.SSL import Context

from director.model.pools import ServerTLS
from director.model.tls import Certificate
from director.tls.io.certificates import CertificateError
from director.tls.io.contexts import client_context
from director.tls.io.store import load


class Contexts:
    """The contexts of one director's checks."""

    def __init__(self) -> None:
        self._certificates: dict[str, Certificate] = {}
        self._made: dict[tuple[ServerTLS, tuple[bytes, ...]], Context] = {}

    def follow(self, certificates: Iterable[Certificate]) -> None:
        """Begin anew, with these certificates to be shown."""
        self._certificates = {one.name: one for one in certificates}
        self._made.clear()

    def of(self, wanted: ServerTLS, protocols: tuple[bytes, ...]) -> Context:
        """The context for servers that are met so.  Raises CertificateError."""
        key = wanted, protocols
        found = self._made.get(key)
        if found is None:
            pair = None
            if wanted.certificate:
                known = self._certificates.get(wanted.certificate)
                pairs = load(known).pairs if known is not None else ()
                if not pairs:
                    raise CertificateError(f"nothing of [cert:{wanted.certificate}] can be read")
                pair = pairs[0]
            found = self._made[key] = client_context(
                verify=wanted.verify, authorities=wanted.ca, pair=pair, protocols=protocols
            )
        return found
