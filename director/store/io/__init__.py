"""The shell of the store: files that are whole at every moment."""
