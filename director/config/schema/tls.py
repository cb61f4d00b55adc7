"""TLS: `[cert:NAME]`, and the keys that services and pools have for it."""

from __future__ import annotations

from attrs import evolve

from director.config.parse import actions, values
from director.config.schema.shape import Key, Kind
from director.model.tls import DIRECTORY
from director.tls.profiles import PROFILES

CERT = Kind(
    "cert",
    "NAME",
    "A certificate for TLS: a chain with its key, or a folder of them. Read at a start and at a reload, "
    "and whenever a file changes: a good pair is served from then on, a bad one is an event and the old "
    "one stays.",
    (
        Key(
            "file",
            "path",
            values.PATH,
            "The certificate and its chain, PEM.",
            example="tls/shop.pem",
            path=True,
        ),
        Key(
            "key",
            "path",
            values.PATH,
            "Its private key, PEM; without it the key is looked for in `file`.",
            example="tls/shop.key",
            path=True,
        ),
        Key(
            "folder",
            "path",
            values.PATH,
            "In place of `file`: every `*.pem` of a folder, each with a chain and its key.",
            example="tls/",
            path=True,
        ),
        Key(
            "ocsp",
            "path",
            values.PATH,
            "An OCSP response (DER) that is stapled to the certificate; another program keeps it fresh.",
            example="tls/shop.ocsp",
            path=True,
        ),
    ),
)

ACME = Kind(
    "acme",
    "",
    "Where certificates are got that services ask for with `tls = acme NAME`. All keys have defaults; who "
    "uses an authority agrees to its terms.",
    (
        Key(
            "directory",
            "URL",
            values.on_text(actions.acme_directory),
            "The directory of the authority (RFC 8555 7.1.1).",
            default=DIRECTORY,
            example="https://acme.example.org/directory",
        ),
        Key(
            "contact",
            "e-mail address",
            values.on_text(actions.contact),
            "Whom the authority may write to.",
            example="ops@example.org",
        ),
        Key(
            "ca",
            "path",
            values.PATH,
            "Who signs the authority's own certificate, PEM; the system's authorities without it.",
            example="tls/inside.pem",
            path=True,
        ),
        Key(
            "challenge",
            "`any`, `http-01` or `tls-alpn-01`",
            values.choice("any", "http-01", "tls-alpn-01"),
            "How it is shown that a name is this director's: `http-01` on port 80, `tls-alpn-01` on port "
            "443; with `any` they take turns, the latter first.",
            default="any",
            example="http-01",
        ),
    ),
)

LISTENER_KEYS = (
    Key(
        "tls",
        "list of certificates",
        values.on_text(actions.certificates),
        "Certificates, chosen by the name that a client asks for; the first serves clients without a "
        "matching one. Every address of `listen` is TLS then, unless some carry the word `tls`. "
        "`acme NAME…` is a certificate for these host names that the director gets and renews by itself.",
        example="shop, acme www.example.org",
    ),
    Key(
        "tls.profile",
        "`intermediate` or `modern`",
        values.choice(*PROFILES),
        "Versions and ciphers, as Mozilla recommends them: `intermediate` is TLS 1.2 and 1.3, `modern` "
        "1.3 alone.",
        default="intermediate",
        example="modern",
    ),
    Key(
        "tls.client",
        "`off`, `optional` or `required`",
        values.choice("off", "optional", "required"),
        "Whether clients are asked for a certificate; one that is shown must be good.",
        default="off",
        example="required",
    ),
    Key(
        "tls.client_ca",
        "path",
        values.PATH,
        "Who signs clients' certificates, PEM.",
        example="tls/clients.pem",
        path=True,
    ),
    Key(
        "tls.crl",
        "path",
        values.PATH,
        "Clients' certificates that are revoked, PEM.",
        example="tls/clients.crl",
        path=True,
    ),
    Key(
        "client_cert",
        "`rfc9440` or `off`",
        values.choice("rfc9440", "off"),
        "Hand the client's certificate to servers as `Client-Cert` and `Client-Cert-Chain`; what a client"
        " sends under these names is dropped.",
        default="off",
        example="rfc9440",
    ),
    Key(
        "h2",
        "`on` or `off`",
        values.SWITCH,
        "Offer HTTP/2 inside TLS (ALPN); not with `switch = connection`.",
        default="on",
        example="off",
    ),
    Key(
        "h2c",
        "`off` or `prior`",
        values.choice("off", "prior"),
        "In clear text: understand clients that begin with HTTP/2 because they know (prior knowledge).",
        default="off",
        example="prior",
    ),
    Key(
        "hsts",
        "duration",
        values.duration(0.0, 86400.0 * 3660),
        "Tell browsers to use TLS alone for so long (`Strict-Transport-Security`, RFC 6797).",
        example="180d",
    ),
)
"""Of `[l7:NAME]`."""

VERIFYING = (
    Key(
        "tls.verify",
        "`yes` or `no`",
        values.SWITCH,
        "Whether their certificates are verified: chain and name. `no` is said in the log.",
        default="yes",
        example="no",
    ),
    Key(
        "tls.ca",
        "path",
        values.PATH,
        "Who signs them, PEM; the system's authorities without it.",
        example="tls/inside.pem",
        path=True,
    ),
    Key(
        "tls.name",
        "host name",
        values.NAME,
        "The name they are asked for and verified by; each server's own without it.",
        example="backend.internal",
    ),
)
"""How servers show who they are."""

SERVER_KEYS = (
    Key("tls", "`on` or `off`", values.SWITCH, "Servers are met by TLS.", default="off", example="on"),
    *VERIFYING,
    Key(
        "tls.cert",
        "certificate",
        values.NAME,
        "The certificate that is shown to them.",
        example="shop",
    ),
    Key(
        "send_proxy",
        "`off`, `v1` or `v2`",
        values.choice("off", "v1", "v2"),
        "Begin each connection with a PROXY header that tells the client's address; such connections "
        "serve one client only.",
        default="off",
        example="v2",
    ),
)
"""Of `[pool:NAME]`."""

CHECK_KEYS = tuple(evolve(key, doc=f"For `https` and `tls`. {key.doc}") for key in VERIFYING)
"""Of `[check:NAME]`."""
