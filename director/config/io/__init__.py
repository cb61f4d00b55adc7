"""The shell of the configuration: real files and the real environment."""
