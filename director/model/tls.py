"""TLS as it is configured: certificates, what a listener serves."""

from __future__ import annotations

from zlib import crc32

from attrs import frozen

from director.model.pools import Address


@frozen
class Certificate:
    """`[cert:NAME]`: a PEM chain and its key, or a folder of such files; `ocsp` is a stapled response.

    `acme` are the names of one that the director gets by itself; then `file` is where it keeps it.
    """

    name: str
    file: str = ""
    key: str = ""
    folder: str = ""
    ocsp: str = ""
    acme: tuple[str, ...] = ()


DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"


@frozen
class Acme:
    """`[acme]`: where certificates are asked for (`tls = acme NAME`).

    `ca` is a file with who signs the authority's own certificate ("" = the system's), `challenge` any,
    http-01 or tls-alpn-01.
    """

    directory: str = DIRECTORY
    contact: str = ""
    ca: str = ""
    challenge: str = "any"


ACME = "acme "
"""How the name of a certificate begins that the director gets by itself: `acme NAME NAME…`."""


def acme_certificate(name: str, state_dir: str) -> Certificate:
    """What `tls = acme NAME…` asks for, kept below `state_dir`: under its name, several under the first's."""
    names = tuple(name.removeprefix(ACME).split(" "))
    more = "" if len(names) == 1 else f"-{crc32(name.encode('ascii')):08x}"
    return Certificate(name, file=f"{state_dir}/acme/{names[0]}{more}.pem", acme=names)


@frozen
class ListenerTLS:
    """What a service of layer 7 serves by TLS.

    `certificates` are names of `[cert:…]`, the first for clients without a matching name; `addresses` those
    of the service that speak TLS.  `client` is off, optional or required; `client_ca` and `crl` are files.
    `tell` hands the client's certificate on (RFC 9440), `hsts` are seconds (0 = not said).
    """

    certificates: tuple[str, ...]
    addresses: tuple[Address, ...]
    profile: str = "intermediate"
    client: str = "off"
    client_ca: str = ""
    crl: str = ""
    tell: bool = False
    hsts: float = 0.0
