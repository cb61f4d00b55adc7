"""The director: a programmable load balancer for layers 4 and 7.

Values: `model` (what an operator can say) with `conditions` (of rules), `interfaces` (what a plug-in
provides), `errors`, `caches` (what is remembered, counted).
Core: `registry` (what exists now) over `live` (its objects); `changes`, worked out on a `draft`;
`snapshot` (what outsiders see); `selection` (who chooses); `counters`.
Composition: `tap` starts `service`, which joins `loading` (the configuration) with `reach` (who answers),
`plugins` (schedulers), `sites` (layer 7), `layer4`, `orders` (what outlives the process), `logs`, `greeting`
(what it says when it is ready), `watch` (what it says of pools that cannot serve), and `control` (for the
admin).
Each folder is a room and begins with its own map; `docs/architecture.md` has the floors.
"""
