"""Sections to values.

`fields` is one section read by its table, `builders`, `check_builder` and `drill_builders` make the model's
values of it.  Small parsers that keys share: `values`, `units`, `addresses`; larger ones: `expressions`
(`when`), `actions` (what rules and services do), `servers`, `checks`, `schedulers`, `virtuals` (layer 4's
addresses), `faults` with `fault_words`, `drills`.
"""
