"""The shell of the store: `file`s that are whole at every moment."""
