"""Sections `[l7:NAME]` and `[rule:NUMBER TITLE]`."""

from __future__ import annotations

from director.config.parse import actions, values
from director.config.parse.expressions import parse_condition
from director.config.schema import tls
from director.config.schema.shape import Key, Kind

L7 = Kind(
    "l7",
    "NAME",
    "A service of layer 7: where it listens, and what happens to a request that no rule claims.",
    (
        Key(
            "listen",
            "list of addresses",
            values.listeners,
            "Where clients connect. With `tls =` all are TLS, unless some carry the word: `:80, :443 tls`.",
            example=":8080, [::]:8080",
            required=True,
        ),
        Key(
            "protocol",
            "`http`, `tcp` or `tls-passthrough`",
            values.choice("http", "tcp", "tls-passthrough"),
            "What is spoken: HTTP is switched by request, the others by connection. With `tls-passthrough` "
            "the name in a client's TLS greeting is read (`sni` in rules), and all is passed on as it is.",
            default="http",
            example="tcp",
        ),
        Key("pool", "pool", values.NAME, "The pool when no rule matches.", example="web"),
        Key(
            "switch",
            "`request` or `connection`",
            values.choice("request", "connection"),
            "Whether each request is switched, or the first one decides for its connection.",
            default="request",
            example="connection",
        ),
        Key(
            "fault",
            "list of `active`, `pool NAME`, `local ADDRESS`, `page NAME`",
            actions.fault,
            "What is tried, in order, when no server can answer: the live servers of all rules, one after "
            "the other; another pool; a local server; a page. Without it a built-in page with status 503, "
            "502 or 504.",
            example="active, local 127.0.0.1:8099, page sorry",
        ),
        Key(
            "fault_on",
            "list of `no_server`, `connect`, `queue`, `timeout`, `empty`, `junk`",
            values.on_text(actions.fault_on),
            "For which causes `fault` is taken, once all tries are used up: no server may be chosen; none "
            "could be reached; no room in the queue, or not in time; no answer in time; closed before one; "
            "octets that are no answer. After the last three a request may have been worked on: then only "
            "what may be sent again (an idempotent method, its body still in the spool) goes to another "
            "server, and the rest goes to the page.",
            default="no_server, connect, queue, timeout, empty, junk",
            example="no_server, connect",
        ),
        Key(
            "timeout.client",
            "duration",
            values.duration(),
            "For a client to send a whole head, or the next bytes of a body; for a handshake of TLS.",
            default="30s",
            example="10s",
        ),
        Key(
            "timeout.keepalive",
            "duration",
            values.duration(),
            "Between two requests of a connection.",
            default="1m",
            example="15s",
        ),
        Key(
            "forwarded",
            "`x-forwarded-for`, `forwarded` or `off`",
            values.choice("x-forwarded-for", "forwarded", "off"),
            "Which header fields tell the server about the client.",
            default="x-forwarded-for",
            example="forwarded",
        ),
        Key(
            "trust",
            "list of networks",
            values.NETWORKS,
            "Proxies whose own forwarding fields are believed; those of all others are replaced.",
            example="10.0.0.0/8",
        ),
        Key(
            "proxy_protocol",
            "`from` and a list of networks",
            values.on_text(actions.proxy_protocol),
            "Who may, and then must, begin a connection with a PROXY header.",
            example="from 10.0.0.0/8",
        ),
        Key(
            "start",
            "`yes` or `no`",
            values.SWITCH,
            "Whether it takes clients. With `no` the service is there and listens nowhere until it is "
            "started, as `director-tcpvsadm --start` and `--stop` do; who is connected then is served to "
            "the end.",
            default="yes",
            example="no",
        ),
        Key(
            "ktcpvs",
            "`startservers N`, `minspareservers N`, `maxspareservers N`",
            values.on_text(actions.children),
            "What a file of KTCPVS says of its child processes. The director has none: it keeps the numbers "
            "for `director-tcpvsadm -L` and does nothing by them.",
            example="startservers 8, minspareservers 6, maxspareservers 18",
        ),
        *tls.LISTENER_KEYS,
        Key(
            "max_connections",
            "number",
            values.count(0, 10_000_000),
            "Clients at the same time; 0 = as many as the process may have.",
            default="0",
            example="20000",
        ),
        Key(
            "limit.line",
            "size",
            values.size(64, 2**20),
            "The longest request line; more gets 414.",
            default="16k",
            example="8k",
        ),
        Key(
            "limit.header",
            "size",
            values.size(256, 2**24),
            "All header fields together; more gets 431.",
            default="32k",
            example="64k",
        ),
        Key(
            "limit.fields",
            "number",
            values.count(1, 100_000),
            "How many header fields; more gets 431.",
            default="512",
            example="100",
        ),
        Key(
            "limit.body",
            "size",
            values.size(0, 2**50),
            "The largest body of a request; more gets 413. 0 = any.",
            default="0",
            example="10m",
        ),
    ),
)

RULE = Kind(
    "rule",
    "NUMBER TITLE",
    "A rule of a service. Rules run by number and the first that matches decides: "
    "`pool`, `redirect` or `respond`.",
    (
        Key("service", "l7 service", values.NAME, "The service it belongs to.", example="www", required=True),
        Key(
            "when",
            "condition",
            values.on_text(parse_condition),
            "Which requests it claims; without it all. Facts `host path uri method version client sni`, "
            "`header NAME`, `cookie NAME`, `query NAME`; operators `= ^= $= *= ~ in exists`; "
            "`and or not ( )`. With `protocol = tcp` only `client` is known, and `sni` where TLS ends "
            "here; with `tls-passthrough` both.",
            example="host in img.example.org *.img.example.org or path ^= /images/",
        ),
        Key("pool", "pool", values.NAME, "The request goes to a server of this pool.", example="images"),
        Key(
            "redirect",
            "`STATUS LOCATION`",
            values.on_text(actions.redirect),
            "The client is sent elsewhere; `$1` and `$${name}` are captured groups.",
            example="301 https://example.org/new",
        ),
        Key(
            "respond",
            "`STATUS TEXT`",
            values.on_text(actions.respond),
            "The director answers itself.",
            example="403 Not from here.",
        ),
        Key(
            "hash",
            "what to hash",
            values.on_text(actions.hash_key),
            "The key for a hash scheduler: a captured group (`path.1`), a fact, `cookie NAME`, "
            "`header NAME`, `query NAME`.",
            example="path.1",
        ),
        Key(
            "set_header",
            "`Name: value` lines",
            values.on_text(actions.set_header),
            "Header fields that the request shall have, in place of its own; `$1` is a captured group.",
            example="X-Tenant: $1",
        ),
        Key(
            "add_header",
            "`Name: value` lines",
            values.on_text(actions.add_header),
            "Header fields added to the request.",
            example="X-Seen: yes",
        ),
        Key(
            "del_header",
            "list of names",
            values.on_text(actions.del_header),
            "Header fields taken out of the request.",
            example="X-Debug, X-Internal",
        ),
        Key(
            "rewrite_path",
            "path",
            values.on_text(actions.rewrite_path),
            "The path that the server gets; `$1` and `$${name}` are captured groups.",
            example="/v2/$1",
        ),
    ),
)

KINDS = (L7, RULE)
