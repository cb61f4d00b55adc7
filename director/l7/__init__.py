"""Layer 7: the content switch.

The pure core: `grammar`, `target`, `body`, `http1` (framing), `facts`, `rules`, `rewrite`,
`affinity`, `forwarded` (what one request says and becomes), `site` (one service, compiled),
`exchange` and `conversation` (what happens next, as commands), `tunnel`, `trace`.
The shell in `io` carries the commands out on sockets.
"""
