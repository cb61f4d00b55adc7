"""From an ini to a `Configuration`, with every mistake named at its place.

Text: `reader` makes sections, `sources` follows includes and variables, `messages` prints problems.
Meaning: `schema` knows every section and key once; `build` reads sections by it (`fields`), makes values
(`makers`) and checks what they say of each other (`references`); `lint` warns; `loaded` is what came of it.
Values of keys: `values` and `units` (shared), `addresses`, `servers`, `virtuals`, `schedulers`, `actions`.
`when`: `facts` (what can be asked), `expressions` (the language), `regexes`, `conditions` (compiled),
`hiding` (rules that never match).  `export` prints the merged ini.
Only `io` touches files and the environment: `io.load` is what callers use.
"""
