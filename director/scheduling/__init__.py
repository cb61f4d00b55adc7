"""Scheduling: one algorithm per file, named as in IPVS.

`base` is what they all stand on, `builtin` lists them, `catalog` finds one by name, `fallback` joins two,
`custom` guards a user's own, shows it `views` and hears what it `prints`, `preview` asks without
disturbing; `hashing` and `locality` serve several.
In turn: `rr` `wrr`.  By load: `lc` `wlc` `sed` `nq` `twos` `p2c`.  By time: `ewma` `least_time`.
By order: `fo` `ovf` `test`.  By chance: `random`.
By what is asked: `dh` `sh` `mh` `lblc` `lblcr` `hash` `hhttp`.
`selection` is the only caller of `choose`.  Nothing here knows a clock, a socket, the registry or a layer:
servers (`IServer`), keys (`IKey`) and `now` come in.
"""
