"""The shell of the registry: `segment` is the memory that processes map for their counts, and its locks."""
