"""What people see: each page as HTML, made of the view model, readable without scripts.  Pure.

`frame` is what all pages share; `home` is the overview with its `tables`, `wiring` the picture from listener
to server, `pool` one pool with the buttons of its servers, `rules`, `requests` and the `story` of one of
them, `connections` of layer 4, `events` with who changed what, `config` the file; `sign_in` is for who is not
in yet, `refusal` what is said instead of a page.  `html` escapes by construction, `figures` are numbers for
people, `forms` what a button sends, and `acts` what that means.
"""
