"""What people see: each page as HTML, made of the view model, readable without scripts.  Pure.

`frame` is what all pages share, with the `banners` of what is out of the ordinary, and `viewer` who looks.
`home` is the overview with its `tables` and the `sparks` of an hour, `wiring` the picture from listener to
server, `pool` one pool and `server` one of its servers with their buttons (`orders`), `rules`, `schedulers`,
`requests` with the `story` of one of them and `why` (of one that nobody sent), `connections` of layer 4,
`events` with `changes` (who changed what), `faults` with drills and the `sheet` of a run, `config` the file,
`access` who may come in; `sign_in` is for who is not in yet, `refusal` is said instead of a page.  `html`
escapes by construction, `figures` are numbers for people, `behind` is what stands behind them, `forms` what a
button sends, and `acts` what that means.
"""
