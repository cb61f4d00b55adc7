"""The shell of the configuration: `load` reads real files and the real environment."""
