"""From the fields of a section to its value in the model, one builder for each kind.

A builder returns None when something required is missing; the reason was then reported by `Fields`.
References between sections are not its business: see `references`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

import attrs

from director.conditions.compile import group_names
from director.config.parse.actions import template_groups
from director.config.parse.addresses import is_loopback
from director.config.parse.fields import Fields
from director.config.parse.schedulers import check_name
from director.config.parse.virtuals import Marked
from director.config.text.messages import BadValue
from director.config.text.sources import Read
from director.model.http import HeaderEdit, L7Limits, L7Service, L7Timeouts, Page, Rule
from director.model.pools import CustomScheduler, OnDown, Pool, PoolTimeouts, Server, ServerTLS
from director.model.settings import Admin, ConfigTest, Demo, Guard, Settings, User
from director.model.tls import Acme, Certificate, ListenerTLS
from director.model.virtual import L4Service, L4Settings, Mark, Virtual

LARGEST_PAGE = 1024 * 1024
"""Bytes of a page: it stays in memory."""

_NUMBERED = re.compile(r"(0|[1-9][0-9]{0,8})(?: (.+))?\Z")
_SERVER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


def settings(fields: Fields) -> Settings:
    """`[director]`."""
    return Settings(
        name=fields.get("name"),
        state_dir=fields.get("state_dir") or "",
        workers=fields.get("workers"),
        log=fields.get("log"),
        shutdown_grace=fields.get("shutdown_grace"),
        trace=fields.get("trace"),
        access_log=fields.get("access_log"),
        drills=fields.get("drills") == "allowed",
    )


def admin(fields: Fields) -> Admin:
    """`[admin]`; a place that other machines reach would show tokens in clear text."""
    listen = fields.get("listen")
    if not is_loopback(listen):
        hint = "write 127.0.0.1:8404 or unix:/PATH and reach it through ssh -L or a proxy with TLS"
        fields.problem("listen", "the admin listens on this machine only", hint)
    return Admin(listen=listen)


def user(fields: Fields) -> User | None:
    """`[user:NAME]`."""
    return None if fields.broken else User(fields.name, fields.get("password"), fields.get("role"))


def server(fields: Fields, key: str) -> Server:
    """One `server.NAME` line."""
    name = key.removeprefix("server.")
    if not _SERVER_NAME.match(name):
        fields.problem(key, f"not a name: {name!r}", "a name has letters, digits and . _ -")
    found = fields.get(key)
    return Server(
        name, found.address, found.weight, found.max, found.min, found.forward, found.backup, found.tunnel
    )


def pool(fields: Fields) -> Pool:
    """`[pool:NAME]`."""
    chosen = fields.get("check")
    return Pool(
        name=fields.name,
        servers=tuple(server(fields, key) for key in fields.values if key.startswith("server.")),
        scheduler=fields.get("scheduler").scheduler,
        checks=chosen.names if chosen else (),
        needed=chosen.needed if chosen else 0,
        eject=fields.get("eject"),
        panic=fields.get("panic"),
        slow_start=fields.get("slow_start"),
        persist=fields.get("persist"),
        retry=fields.get("retry"),
        queue=fields.get("queue"),
        timeouts=PoolTimeouts(
            connect=fields.get("timeout.connect"),
            response=fields.get("timeout.response"),
            idle=fields.get("timeout.idle"),
            tunnel=fields.get("timeout.tunnel"),
        ),
        idle_connections=fields.get("idle_connections"),
        tls=_server_tls(fields),
        send_proxy=fields.get("send_proxy"),
        protocol=fields.get("protocol"),
        on_down=OnDown(fields.get("on_down")),
    )


def _server_tls(fields: Fields) -> ServerTLS | None:
    if not fields.get("tls"):
        return None
    return ServerTLS(
        fields.get("tls.verify"),
        fields.get("tls.ca") or "",
        fields.get("tls.name") or "",
        fields.get("tls.cert") or "",
    )


def l7(fields: Fields) -> L7Service | None:
    """`[l7:NAME]`."""
    if fields.broken:
        return None
    if fields.get("protocol") != "http":
        for key in fields.given("switch", "forwarded", "trust", "client_cert", "hsts"):
            fields.problem(
                key, f"protocol = {fields.get('protocol')} has none", "remove it, or use protocol = http"
            )
    return L7Service(
        name=fields.name,
        listen=fields.get("listen").addresses,
        protocol=fields.get("protocol"),
        pool=fields.get("pool") or "",
        switch=fields.get("switch"),
        fault=tuple(step for _, step in fields.get("fault") or ()),
        fault_on=fields.get("fault_on"),
        timeouts=L7Timeouts(client=fields.get("timeout.client"), keepalive=fields.get("timeout.keepalive")),
        forwarded=fields.get("forwarded"),
        trust=fields.get("trust") or (),
        proxy_protocol=fields.get("proxy_protocol") or (),
        tls=_listener_tls(fields),
        h2=fields.get("h2"),
        h2c=fields.get("h2c") == "prior",
        limits=L7Limits(
            line=fields.get("limit.line"),
            header=fields.get("limit.header"),
            fields=fields.get("limit.fields"),
            body=fields.get("limit.body"),
        ),
        max_connections=fields.get("max_connections"),
        start=fields.get("start"),
        ktcpvs=fields.get("ktcpvs"),
    )


def _listener_tls(fields: Fields) -> ListenerTLS | None:
    names = tuple(name for _, name in fields.get("tls") or ())
    listen = fields.get("listen")
    if not names:
        return None
    return ListenerTLS(
        certificates=names,
        addresses=listen.tls or listen.addresses,
        profile=fields.get("tls.profile"),
        client=fields.get("tls.client"),
        client_ca=fields.get("tls.client_ca") or "",
        crl=fields.get("tls.crl") or "",
        tell=fields.get("client_cert") == "rfc9440",
        hsts=fields.get("hsts") or 0.0,
    )


def rule(fields: Fields) -> Rule | None:
    """`[rule:NUMBER TITLE]`."""
    numbered = _NUMBERED.match(fields.name)
    if not numbered:
        _without_number(fields)
    actions = fields.given("pool", "redirect", "respond")
    if not actions:
        fields.problem(
            "", "the rule does nothing", "add pool = NAME, redirect = STATUS LOCATION or respond = STATUS"
        )
    for other in actions[1:]:
        fields.problem(other, f"the rule already has {actions[0]}", "a rule has one action; remove one")
    _check_groups(fields)
    if fields.broken or not numbered:
        return None
    return Rule(
        number=int(numbered[1]),
        title=numbered[2] or "",
        service=fields.get("service"),
        when=fields.get("when"),
        pool=fields.get("pool") or "",
        redirect=fields.get("redirect"),
        respond=fields.get("respond"),
        hash=fields.get("hash") or "",
        headers=_edits(fields),
        rewrite_path=fields.get("rewrite_path") or "",
        written=fields.with_secrets,
        secrets=fields.secrets,
    )


def _without_number(fields: Fields) -> None:
    """Say what is wrong with the begin of a rule's name."""
    number, _, title = fields.name.partition(" ")
    zeros = re.fullmatch(r"0+([0-9]+)", number)
    if zeros:
        text, hint = f"{number} begins with a zero", f"write [rule:{int(number)} {title}".rstrip() + "]"
    elif re.fullmatch(r"[0-9]{10,}", number):
        text, hint = f"{number} is too large", "rules have numbers from 0 to 999999999"
    else:
        text, hint = "the number is missing", "write [rule:100 TITLE]; rules run by number"
    fields.problem("", text, hint)


def _edits(fields: Fields) -> tuple[HeaderEdit, ...]:
    """Header edits in the order of their lines."""
    order = [key for key in fields.values if key in {"set_header", "add_header", "del_header"}]
    return tuple(edit for key in order for edit in fields.get(key))


def _check_groups(fields: Fields) -> None:
    """Every `$1` and `path.1` must be a group that `when` can capture."""
    if fields.given("when") and "when" not in fields.values:
        return
    known = group_names(fields.get("when")) | {"host", "path", "query", "uri", "client", "method"}
    named: list[tuple[str, int, str]] = []
    for key in fields.given("redirect", "rewrite_path", "set_header", "add_header"):
        try:
            named += [(key, at, group) for at, group in template_groups(fields.text(key))]
        except BadValue as bad:
            fields.bad(key, bad)
    key = fields.get("hash") or ""
    if "." in key and " " not in key:
        named.append(("hash", 0, key))
    for key, at, group in named:
        if group not in known:
            text = f"no group {group} is captured by when"
            fields.problem(key, text, "write when = path ~ … with parentheses around what is meant", at)


def page(fields: Fields, read: Read) -> Page | None:
    """`[page:NAME]`; the file is read now."""
    if fields.broken:
        return None
    return Page(
        name=fields.name,
        body=_content(fields, "file", read) or b"",
        content_type=fields.get("content_type"),
        status=fields.get("status"),
        retry_after=fields.get("retry_after"),
    )


def _content(fields: Fields, key: str, read: Read) -> bytes | None:
    """The file that `key` names, or None with a problem."""
    path = fields.get(key)
    try:
        body = read(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fields.problem(key, f"cannot read {path}: {reason}", "correct the path; it is relative to this file")
        return None
    if len(body) > LARGEST_PAGE:
        fields.problem(key, f"{path} is larger than 1 MB", "it is held in memory; name a smaller file")
        return None
    return body


def certificate(fields: Fields) -> Certificate | None:
    """`[cert:NAME]`; the files are looked into where they are served (`program.preflight`)."""
    if fields.broken:
        return None
    if not fields.given("file", "folder"):
        fields.problem(
            "", "which certificate?", "add file = and a PEM file, or folder = and a folder of them"
        )
    if fields.given("folder"):
        for key in fields.given("file", "key", "ocsp"):
            fields.problem(key, "a folder has its own", "remove it, or write file = in place of folder =")
    file, key, folder, ocsp = (fields.get(one) or "" for one in ("file", "key", "folder", "ocsp"))
    return Certificate(fields.name, file, key, folder, ocsp)


def acme(fields: Fields) -> Acme:
    """`[acme]`."""
    return Acme(*(fields.get(key) or "" for key in ("directory", "contact", "ca", "challenge")))


def demo(fields: Fields) -> Demo | None:
    """`[demo:NAME]`."""
    return None if fields.broken else Demo(fields.name, fields.get("listen"), fields.get("tls"))


def custom_scheduler(fields: Fields) -> CustomScheduler | None:
    """`[scheduler:NAME]`."""
    try:
        check_name(fields.name)
    except BadValue as bad:
        fields.problem("", bad.message, bad.hint)
    if fields.broken:
        return None
    found = fields.get("python")
    return CustomScheduler(fields.name, found.path, found.attribute, fields.get("budget"))


def l4_settings(fields: Fields) -> L4Settings:
    """`[l4]`; what is not set is left out, so that the defaults, the kernel's own, stand in one place."""
    known = {one.name for one in attrs.fields(L4Settings)}
    written = {key.replace(".", "_"): value for key, value in fields.values.items()}
    return L4Settings(
        **{key: value for key, value in written.items() if key in known},  # type: ignore[arg-type]
        marks=tuple(_marks(fields)),
    )


def _marks(fields: Fields) -> Iterator[Mark]:
    """`mark.N` in the order of the lines: the first rule that fits decides."""
    for key, rules in fields.values.items():
        kind, _, number = key.partition(".")
        if kind != "mark":
            continue
        if not re.fullmatch(r"[0-9]{1,10}", number) or not 0 < int(number) < 1 << 32:
            fields.problem(key, f"not a mark: {number!r}", "write mark.N with N from 1 to 4294967295")
        else:
            yield from (Mark(int(number), *rule) for rule in cast("tuple[Marked, ...]", rules))


def l4(fields: Fields) -> L4Service | None:
    """`[l4:NAME]`, with the further rules of `lvs-semantics` I.1."""
    if fields.broken:
        return None
    virtual: Virtual = fields.get("virtual")
    if virtual.port == 0 and not virtual.fwmark and not fields.given("persistent"):
        fields.problem(
            "virtual", "a service on all ports must be persistent", "add persistent = 300s, or a port"
        )
    if fields.get("ops") and virtual.protocol not in {"udp", ""}:
        fields.problem("ops", "one-packet scheduling is for udp and fwmark", "remove it")
    if fields.get("pe") and virtual.protocol != "udp":
        fields.problem("pe", "the SIP engine is for udp", "remove it")
    netmask = fields.get("netmask")
    if netmask is not None and virtual.family == 4 and netmask > 32:
        fields.problem("netmask", "an IPv4 address has 32 bits", "write a prefix length from 1 to 32")
    scheduler = fields.get("scheduler")
    return L4Service(
        name=fields.name,
        virtual=virtual,
        pool=fields.get("pool"),
        forward=fields.get("forward"),
        scheduler=scheduler.scheduler if scheduler else None,
        persistent=fields.get("persistent"),
        netmask=netmask,
        ops=fields.get("ops"),
        engine=fields.get("pe") or "",
    )


def config_test(fields: Fields) -> ConfigTest | None:
    """`[test:TITLE]`."""
    if fields.broken:
        return None
    method, uri = fields.get("request")
    headers = list(fields.get("header") or ())
    headers += [
        (key.removeprefix("header."), str(fields.values[key]))
        for key in fields.values
        if key[:7] == "header."
    ]
    return ConfigTest(
        title=fields.name,
        method=method,
        uri=uri,
        headers=tuple(headers),
        client=fields.get("client") or "",
        expect=tuple((word, value) for _, word, value in fields.get("expect")),
        down=tuple(server for _, server in fields.get("down") or ()),
    )


def guard(fields: Fields) -> Guard | None:
    """`[guard:NAME]`."""
    if fields.broken:
        return None
    if not fields.given("ready", "drains", "python"):
        fields.problem("", "what does it guard?", "add ready = 2, drains = 1 or python = FILE.py:FUNCTION")
    own = fields.get("python")
    return Guard(
        name=fields.name,
        pools=fields.get("pool") or (),
        ready=fields.get("ready"),
        drains=fields.get("drains"),
        path=own.path if own else "",
        attribute=own.attribute if own else "",
        veto=fields.get("action") == "veto",
        reason=fields.get("reason") or "",
    )
