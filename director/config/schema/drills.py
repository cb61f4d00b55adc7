"""Sections `[fault:NAME]` and `[drill:NAME]`."""

from __future__ import annotations

from director.config.parse import drills, faults, values
from director.config.parse.expressions import parse_condition
from director.config.schema.shape import Key, Kind

LARGEST_SEED = 2**53 - 1

FAULT = Kind(
    "fault",
    "TITLE",
    "Something that goes wrong on purpose, behind the choice of a server: retries, the queue, the fault path "
    "and, if wanted, checks meet it as they would meet the real thing. It does nothing until it is started "
    "(`director fault start NAME`, the API, or a drill), ends by itself, and is forgotten at a restart. "
    "Needs `[director] drills = allowed`.",
    (
        Key(
            "server",
            "list of POOL/SERVER and `pool NAME`",
            values.on_text(faults.servers),
            "Whose requests meet it.",
            example="web/a",
            required=True,
        ),
        Key(
            "do",
            "one of " + ", ".join(f"`{one}`" for one in faults.KINDS),
            values.on_text(faults.action),
            "What happens. To requests (layer 7): `refuse` (no connection), `blackhole` (no answer to the "
            "connect), `reset` or `reset after SIZE` of the answer, `close` or `close after SIZE` (the end), "
            "`hang` (a connection, and then nothing), `stops_reading` or `stops_reading after SIZE` of the "
            "request, `delay 200ms`, `delay 200ms..400ms`, `delay lognormal 200ms 0.5` (median and sigma) or "
            "`delay x3` (so many times what the server took before; all before the first byte), `status 503` "
            "or `status 503 retry_after 5s`, `truncate SIZE` (of the body, then the end), `garbage` (no "
            "HTTP), `garbage chunk` (in the body), `wrong_length +100` or `-100`, `1xx` (an interim "
            "answer alone), `late_trailers 5s`, `drip 100/s` (octets one by one), `bandwidth 10k` (octets a "
            "second). "
            "To TLS towards servers: `tls expired`, `wrong_name`, `unknown_ca` or `stall`. To names of "
            "servers: `dns empty`, `dns flapping`, `dns old ADDRESS`. To checks alone: `lie up`, `lie down`, "
            "`lie flapping`. Toxiproxy's words are known: `latency 1s jitter 100ms`, `down`, `timeout 5s`, "
            "`reset_peer 1s`, `slow_close 1s`, `slicer SIZE TIME`, `limit_data SIZE`. To packets (layer 4): "
            "`drop`, `duplicate`, `reorder`, `corrupt` (each perhaps with a share of the packets, as in "
            "`drop 10%`), `delay TIME` (on the way to the server), `rst` (to both ends), `unreachable` "
            "(ICMP), `mtu_hole 1300` (larger IP packets vanish).",
            example="delay 200ms..400ms",
            required=True,
        ),
        Key(
            "when",
            "condition",
            values.on_text(parse_condition),
            "Which requests, in the words of a rule; without it all. Packets know `client` alone.",
            example="header X-Drill = yes",
        ),
        Key(
            "hit",
            "any of `first N`, `every N`, `share N%`, `max N`",
            values.on_text(faults.hit),
            "Which of those requests (layer 4: flows) are hit; without it all of them.",
            example="share 50% max 200",
        ),
        Key(
            "seed",
            "number",
            values.count(0, LARGEST_SEED),
            "With the same seed the same requests are hit again; without one each start draws another, and "
            "says which.",
            example="7",
        ),
        Key(
            "ttl",
            "duration",
            values.duration(0.1, 86400.0),
            "It ends by itself after this, whatever happens.",
            default="60s",
            example="2m",
        ),
        Key(
            "checks",
            "`yes` or `no`",
            values.SWITCH,
            "Whether health checks of the server meet it, too, whatever `when` and `hit` say of requests.",
            default="no",
            example="yes",
        ),
    ),
)

DRILL = Kind(
    "drill",
    "TITLE",
    "A rehearsal: load, faults in steps, and what is expected of the director meanwhile. "
    "`director drill run NAME` runs it and gives a verdict.",
    (
        Key(
            "service",
            "l7 service",
            values.NAME,
            "Whose requests are looked at.",
            example="www",
            required=True,
        ),
        Key(
            "load",
            "list of `RATE METHOD URI`",
            values.on_text(drills.load),
            "Requests of the drill's own, sent at that rate whether or not answers come. Each carries "
            "`X-Drill: yes`. Without it, real traffic is looked at.",
            example="20/s GET /, 5/s GET /images/a.png",
        ),
        Key(
            "seed",
            "number",
            values.count(0, LARGEST_SEED),
            "For all faults of the drill; without one each run draws another, and says which.",
            example="7",
        ),
        Key(
            "ttl",
            "duration",
            values.duration(0.1, 86400.0),
            "Everything injected ends by itself after this, whatever happens.",
            default="2m",
            example="90s",
        ),
        Key(
            "step TIME",
            "list of `baseline`, `start FAULT, …`, `stop FAULT, …`, `heal`, `reload`, `drain POOL/SERVER`, "
            "`ready POOL/SERVER`, `maint POOL/SERVER`, `end`",
            values.on_text(drills.step),
            "What happens at that time after the begin. `heal` ends all faults; the last step is `end`.",
            example="start a hangs, b refuses",
        ),
        Key(
            "expect PHASE",
            "list of terms",
            values.on_text(drills.expectations),
            "What must hold `baseline` (before the first fault), `during` it, or `after` the healing: "
            "`answered`, `ok`, `5xx`, `sticky`, `flows` (shares; `flows` are the connections of layer 4 that "
            "were established before); `slowest`, `p50`, `p90`, `p99`, `detect`, `page`, `recover` (times); "
            "`twice`, `retries`, `requests`, `hits`, `moved`, `to POOL/SERVER` (numbers); "
            "`by POOL/SERVER or page:NAME`, perhaps `within 15s`.",
            example="answered >= 99%, by page:sorry or web/c, slowest < 3s",
        ),
        Key(
            "halt",
            "list of terms",
            values.on_text(drills.halt),
            "What ends the drill at once, with all that it injected: `answered`, `ok`, `5xx`, `slowest` of "
            "its own requests, `untagged 5xx` of everybody else's. The verdict is then void.",
            example="untagged 5xx > 1%",
        ),
    ),
)

KINDS = (FAULT, DRILL)
