"""The shell of the store.

`base` says what a store is, `file` is the one in `state_dir`, whose files are whole at every moment; `place`
is that directory, which is one director's.
"""
