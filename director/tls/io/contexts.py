"""What TLS connections start from: OpenSSL's contexts, for clients of a listener and towards servers.

A listener has one *base* context that lives for a day: it holds the keys of session tickets, and no
certificate.  Every handshake asks `ServerContexts.choose` for the context of the name (`choice`),
which is swapped as a whole when files change: handshakes under way finish with what they have, tickets stay
good.

Verification of servers is service-identity's (RFC 9525) on top of OpenSSL's chain building.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen
from cryptography import x509
from OpenSSL import SSL, crypto
from service_identity import VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address

from director.tls.acme.proof import PROTOCOL
from director.tls.choice import Choice
from director.tls.io.certificates import CertificateError, Pair
from director.tls.profiles import PROFILES, TLS13, Profile

_FAR = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
"""When every certificate has expired."""
TICKET_SECONDS = 86400.0
"""How long the keys of session tickets are used."""
_VERSIONS = {0x0303: SSL.TLS1_2_VERSION, TLS13: SSL.TLS1_3_VERSION}
_MODE_RELEASE_BUFFERS = 0x10
"""SSL_MODE_RELEASE_BUFFERS: an idle connection holds no 34 kB of buffers (SSL_CTX_set_mode(3))."""


@frozen
class Clients:
    """What is asked of clients' certificates: `demand` off, optional or required.

    Authorities and revocations as files.
    """

    demand: str = "off"
    authorities: str = ""
    revoked: str = ""


NOBODY = Clients()
"""Clients show no certificate."""


class ServerContexts:
    """The contexts of one listener.

    Args:
        profile: name of a profile. protocols: what is spoken, by preference (ALPN), such as (b"h2",
        b"http/1.1"). session_id: of the service, so that sessions are not taken to another
        (SSL_CTX_set_session_id_context(3)).
    Raises CertificateError.
    """

    def __init__(
        self, profile: str, protocols: tuple[bytes, ...], session_id: bytes, clients: Clients = NOBODY
    ) -> None:
        self._profile = PROFILES[profile]
        self._protocols = protocols
        self._session_id = session_id[:32]
        self._clients = clients
        self.base = self._based()
        self._since: float | None = None
        self._made: tuple[Choice[Pair], Mapping[tuple[Pair, ...], SSL.Context]] = (Choice(()), {})

    def _based(self) -> SSL.Context:
        base = self._bare()
        base.set_tlsext_servername_callback(self._named)
        return base

    def current(self, now: float) -> SSL.Context:
        """The base for a connection of now (monotonic seconds), with keys for tickets of today.

        Who stole the keys could read what was spoken under them (RFC 8446 appendix C.4; with TLS 1.2 all of
        it), so they do not live for ever.  A client with a ticket of yesterday shakes hands in full.
        """
        if self._since is None:
            self._since = now
        elif now - self._since > TICKET_SECONDS:
            self.base, self._since = self._based(), now
        return self.base

    def serve(self, pairs: Iterable[Pair]) -> None:
        """Use these from now on, the first for clients without a name.  Raises CertificateError."""
        choice = Choice((pair.names, pair) for pair in pairs)
        self._made = (choice, {group: self._with(group) for group in choice.groups})

    def _named(self, connection: SSL.Connection) -> None:
        """OpenSSL asks, once for each handshake, with or without a name."""
        choice, made = self._made
        name = (connection.get_servername() or b"").decode("ascii", "replace")
        found = made.get(choice.of(name))
        if found is not None:
            connection.set_context(found)

    def _with(self, group: tuple[Pair, ...]) -> SSL.Context:
        context = self._bare()
        kinds: set[str] = set()
        for pair in group:
            if pair.kind in kinds:
                continue
            kinds.add(pair.kind)
            _use(context, pair)
        stapling = next((pair for pair in group if pair.staple), None)
        if stapling is not None:
            context.set_ocsp_server_callback(_stapler(stapling))
        return context

    def _bare(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        _apply(context, self._profile)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_session_id(self._session_id)
        if self._protocols:
            context.set_alpn_select_callback(self._select)
        if self._clients.demand != "off":
            self._ask_clients(context)
        return context

    def _select(self, _connection: SSL.Connection, offered: list[bytes]) -> Any:
        for protocol in self._protocols:
            if protocol in offered:
                return protocol
        # Nothing in common ends the handshake (RFC 7301 3.2); pyOpenSSL sends an alert for exceptions only.
        raise SSL.Error([("SSL routines", "", "no application protocol in common")])

    def _ask_clients(self, context: SSL.Context) -> None:
        clients = self._clients
        try:
            context.load_verify_locations(clients.authorities)
            context.load_client_ca(clients.authorities.encode())  # whom we name when we ask
        except SSL.Error as error:
            raise CertificateError(
                f"{clients.authorities} has no authorities in PEM; tls.client_ca names who signs clients"
            ) from error
        demand = SSL.VERIFY_PEER
        if clients.demand == "required":
            demand |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(demand, lambda _connection, _certificate, _code, _depth, good: bool(good))
        if clients.revoked:
            _revoke(context, clients.revoked)


def _stapler(pair: Pair) -> Callable[[SSL.Connection, Any], bytes]:
    """Gives the pair's OCSP response for as long as it is good."""
    return lambda _connection, _data: pair.staple if time.time() < pair.staple_until else b""


def challenge_context(pair: Pair) -> SSL.Context:
    """For an authority that looks whether a name is ours, and speaks nothing else (RFC 8737)."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    _apply(context, PROFILES["intermediate"])
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    _use(context, pair)
    context.set_alpn_select_callback(lambda _connection, _offered: PROTOCOL)
    return context


def client_context(
    *,
    verify: bool,
    authorities: str = "",
    pair: Pair | None = None,
    protocols: tuple[bytes, ...] = (),
    profile: str = "intermediate",
    wrong: str = "",
) -> SSL.Context:
    """For connections to servers: chains are verified against `authorities`, the system's without.

    Names are verified by `verify_name` when the handshake is done.  `wrong` is what an injected fault
    wants: `expired` verifies as of the year 9999, `unknown_ca` trusts nobody.  Raises CertificateError.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    _apply(context, PROFILES[profile])
    if verify:
        context.set_verify(SSL.VERIFY_PEER, lambda _connection, _certificate, _code, _depth, good: bool(good))
        try:
            if wrong == "unknown_ca":
                pass  # nobody is trusted
            elif authorities:
                context.load_verify_locations(authorities)
            else:
                context.set_default_verify_paths()
        except SSL.Error as error:
            raise CertificateError(
                f"{authorities} has no authorities in PEM; tls.ca names who signs servers"
            ) from error
    if wrong == "expired":
        _store(context).set_time(_FAR)
    if pair is not None:
        _use(context, pair)
    if protocols:
        context.set_alpn_protos(list(protocols))
    return context


def verify_name(connection: SSL.Connection, name: str) -> str:
    """Why the server's certificate is not one for `name` (a DNS name or an address).

    "" when it is (RFC 9525).
    """
    address = name.replace(".", "").isdigit() or ":" in name
    try:
        (verify_ip_address if address else verify_hostname)(connection, name)
    except VerificationError:
        return f"the server's certificate is not for {name}"
    except Exception as error:  # noqa: BLE001 - service-identity raises what its parsers raise
        return f"the server's certificate cannot be read ({type(error).__name__})"
    return ""


def was_resumed(connection: SSL.Connection) -> bool:
    """The session of a finished handshake went on from an earlier one (SSL_session_reused(3)).

    pyOpenSSL has no method for it; the function is one of those it links.
    """
    return bool(SSL._lib.SSL_session_reused(connection._ssl))  # type: ignore[attr-defined] # noqa: SLF001 - see above


def words(error: SSL.Error) -> str:
    """OpenSSL's reasons in its own words, the last first."""
    found = error.args[0] if error.args else ()
    reasons = [str(one[2]) for one in found if len(one) > 2] if isinstance(found, list | tuple) else []
    return reasons[-1] if reasons else "unknown error"


def refusal(error: SSL.Error, connection: SSL.Connection | None) -> str:
    """Why a handshake failed, as precisely as OpenSSL knows: of a certificate what is wrong with it."""
    said = words(error)
    if connection is None or "verify failed" not in said:
        return said
    code = SSL._lib.SSL_get_verify_result(connection._ssl)  # type: ignore[attr-defined]  # noqa: SLF001 - no method has it
    text = SSL._ffi.string(SSL._lib.X509_verify_cert_error_string(code))  # type: ignore[attr-defined]  # noqa: SLF001
    return f"{said}: {text.decode('ascii', 'replace')}"


def _revoke(context: SSL.Context, path: str) -> None:
    try:
        data = Path(path).read_bytes()
        parts = data.split(b"-----BEGIN X509 CRL-----")[1:]
        lists = [x509.load_pem_x509_crl(b"-----BEGIN X509 CRL-----" + part) for part in parts]
    except (OSError, ValueError) as error:
        raise CertificateError(f"{path} has no revocation list in PEM ({error})") from error
    if not lists:
        raise CertificateError(f"{path} has no revocation list in PEM; tls.crl names one")
    store = _store(context)
    for one in lists:
        store.add_crl(one)
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK)


def _store(context: SSL.Context) -> crypto.X509Store:
    store = context.get_cert_store()
    assert store is not None  # noqa: S101 - a context always has one
    return store


def _apply(context: SSL.Context, profile: Profile) -> None:
    context.set_min_proto_version(_VERSIONS[profile.least])
    if profile.ciphers:
        context.set_cipher_list(profile.ciphers.encode("ascii"))
    context.set_tls13_ciphersuites(profile.suites.encode("ascii"))
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_mode(_MODE_RELEASE_BUFFERS)


def _use(context: SSL.Context, pair: Pair) -> None:
    """Chain and key; OpenSSL reads a chain of its own for each kind of key from a file only."""
    with _as_file(pair.chain) as chain, _as_file(pair.key) as key:
        try:
            context.use_certificate_chain_file(chain)
            context.use_privatekey_file(key)
            context.check_privatekey()
        except SSL.Error as error:
            raise CertificateError(f"OpenSSL does not take {pair.path}: {words(error)}") from error


@contextmanager
def _as_file(octets: bytes) -> Iterator[str]:
    """The octets as a file in memory, which only this process can name."""
    descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, octets)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
