"""The shell of the store: `file`s that are whole at every moment, in a `place` that is one director's."""
