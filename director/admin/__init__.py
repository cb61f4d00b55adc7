"""The web admin: the API and the pages over one view model, behind one authenticator.

What is shown: `views` (snapshots as dicts), `explanation` (a decision in sentences), `proofs` (of health),
`overview` (is anything wrong) with `verdicts` (on answers) over `rates`, `trends` and `emptying`,
`chronicle` (an hour of figures) kept by `pulse`, `metrics`, `procfs` (as the kernel does).
How it looks: `pages`, a room of its own, and their static `files`; `browsing` gives each page what it shows,
`downloads` each table as a `spreadsheet`.
How it is asked: `routes` (every `route` as data) with `page_routes` and `bodies`, `resource` (the gate) with
`requests`, `api` (what is read), `searches` (what is looked for), `explaining` (what would be), `events`
(what happened, as a stream by `streaming`), `orders` and `reloads` (what is changed) with `edits`, `objects`,
`batch` (several as one) and `outcomes`, `rehearsals` (faults and drills), `answers`, long lists by
`paging`, `openapi` with `schemas` (what is answered) about things as they are `described`, made of `shapes`.
Who asks: `authenticator`, `sessions`, `tokenfile`, `tokens`, `passwords` say who may come in and `accounts`
what they may do, `access` changes that; `audit` tells who changed what.
What it may cost: `turns` (its share of the loop), `economy` (what is dear is shared), `rendering` (long
answers), `site` with `channel` (many and slow clients).
`control` is the one seam to the running program, `testing` its twin in memory; `service` serves.
"""
