"""Which version of the program this process runs: read early, for files may change (composition)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """The version of the installed package."""
    try:
        return version("director")
    except PackageNotFoundError:
        return "0"


VERSION = installed_version()
"""That of this process."""
