"""TLS as it is configured: certificates, what a listener serves."""

from __future__ import annotations

from attrs import frozen

from director.model.pools import Address


@frozen
class Certificate:
    """`[cert:NAME]`: a PEM chain and its key, or a folder of such files; `ocsp` is a stapled response."""

    name: str
    file: str = ""
    key: str = ""
    folder: str = ""
    ocsp: str = ""


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
