"""From an ini to a `Configuration`, with every mistake named at its place.

Who goes where: `reader` turns text into sections, `sources` follows includes and variables, `schema`
knows every section and key once, `build` makes the values of `director.model`, `expressions` reads
`when`, `conditions` compiles it, `hiding` finds rules that can never match, `messages` prints.
Only `io/load` touches files and the environment; callers use that one: `load`, `check`.
"""
