"""The pages' own style, script and icon, read once at start.

A request names one of these files or gets 404; no path is ever joined with text from the
network, so there is nothing to climb out of.
"""

from __future__ import annotations

from importlib.resources import files

from attrs import frozen


@frozen
class File:
    """A file and its content type."""

    body: bytes
    type: str


TYPES = {
    "admin.css": "text/css; charset=utf-8",
    "admin.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def load() -> dict[str, File]:
    """All files by name."""
    folder = files("director.admin") / "static"
    return {name: File((folder / name).read_bytes(), kind) for name, kind in TYPES.items()}
