"""From values of the model back to the lines of an ini that say them; pure.

`sections` knows which kinds of things can be written, and which of their keys differ; it asks `pools` (with
their servers), `services` of both layers with `[l4]`, and `rules` with their `conditions`.  `numbers` are
durations and shares in the shortest words that read back the same.  What is written and read again by `parse`
is the same value: a property that the tests try.
"""
