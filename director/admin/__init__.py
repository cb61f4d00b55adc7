"""The web admin: the API and the pages over one view model, behind one authenticator.

What is shown: `views` (snapshots as dicts), `explanation` (a decision in sentences), `overview` (is anything
wrong) with `verdicts` (on answers) over `rates` and `trends`, `metrics`, `procfs` (as the kernel does).
How it looks: `pages` and `tables` in `html` with `figures`, their static `files`.
How it is asked: `routes` (every route as data), `resource` (the gate) with `requests`, `api` (what is read),
`orders` (what is changed) with `edits`, `objects` and `batch` (several as one), `rehearsals` (faults and
drills), `answers`, `openapi`; `authenticator`, `sessions`, `tokenfile` say who may come in.
What it may cost: `turns` (its share of the loop), `economy` (what is dear is shared), `rendering` (long
answers), `site` with `channel` (many and slow clients).
`control` is the one seam to the running program, `testing` its twin in memory; `service` serves.
"""
