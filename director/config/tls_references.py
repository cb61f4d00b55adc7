"""What the keys of TLS say of each other, in services and in pools.

Called by `references`; whether files hold what they should is looked at where they are read.
"""

from __future__ import annotations

from director.config.parse.fields import Fields
from director.config.text.messages import WARNING


def listener(service: Fields) -> None:
    """Of `[l7:NAME]`."""
    listen = service.get("listen")
    if service.given("tls") and service.get("protocol") == "tls-passthrough":
        text = "tls-passthrough leaves TLS to the servers, and their certificates with it"
        service.problem("tls", text, "remove it, or end TLS here with protocol = tcp or http")
        return
    if not service.given("tls"):
        for key in service.given(
            "tls.profile", "tls.client", "tls.client_ca", "tls.crl", "client_cert", "hsts"
        ):
            service.problem(key, "without tls this does nothing", "add tls = and the name of a [cert:…]")
        if listen is not None and listen.tls:
            service.problem(
                "listen", "the word tls needs certificates", "add tls = and the name of a [cert:…]"
            )
        return
    demand = service.get("tls.client")
    if demand != "off" and not service.given("tls.client_ca"):
        service.problem("tls.client", "who signs clients' certificates?", "add tls.client_ca = and a file")
    if demand == "off":
        for key in service.given("tls.client_ca", "tls.crl"):
            service.problem(
                key, "clients are not asked for a certificate", "add tls.client = optional or required"
            )
        if service.get("client_cert") != "off":
            hint = "add tls.client = optional or required"
            service.problem("client_cert", "clients are not asked for a certificate", hint)


def pool(fields: Fields) -> None:
    """Of `[pool:NAME]`."""
    if not fields.get("tls"):
        for key in fields.given("tls.verify", "tls.ca", "tls.name", "tls.cert"):
            fields.problem(key, "without tls = on this does nothing", "add tls = on")
        return
    if fields.get("tls.verify") is False:
        for key in fields.given("tls.ca"):
            fields.problem(
                key, "nobody is verified with tls.verify = no", "remove one of the two", severity=WARNING
            )
