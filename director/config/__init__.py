"""From an ini to a `Configuration`, with every mistake named at its place.

Text lives in `text`; `schema` knows every section and key once; `build` reads sections by it and makes
values with `parse`, then `references` (with `tls_references` and `drill_references`) check what they say of
each other and `lint` warns (`lint_health` of checks), by what `grouping` puts together; `loaded` is what came
of it.  The way back is `writing`; by it `export` prints the merged ini.  `objects` makes one thing of keys
that no file holds.  Only `io` touches files and the environment: `io.load` is what callers use.
"""
