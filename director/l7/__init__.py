"""Layer 7: the content switch.

Reading: `grammar` (patterns), `fields`, `target`, `http1` (requests), `responses`, `body`; `memo` (what is
remembered).
Deciding: `facts` (what a request says), `rules`, `affinity`, `site` (one service, compiled), `explain`.
Serving: `conversation` (the door: one client connection) runs one `exchange` per request through its
`phase`s; `judging` comes before a server is chosen, `sending` passes the body, `relaying` the answer
(`reply`), `recovery` meets what fails, `answering` gives answers of our own, `tally` counts and records.
`commands` are what the core hears and orders.
Writing: `rewrite` (heads), `forwarded` (who the client is), `answers` (our own), `trace` (what is kept).
The shell in `io` carries the commands out on sockets.
"""
