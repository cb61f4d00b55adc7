"""The drills that are shipped (`etc/drills`): each file runs as it stands, on demo servers of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import director

HEAD = "shipped, each with demo servers of its own (director drill run FILE):"


def folder() -> Path | None:
    """Where they lie: in the source tree, or in the installation; None where neither has them."""
    sources = Path(director.__file__).resolve().parents[1]
    places = (sources, Path(sys.prefix) / "share" / "director")
    return next((place / "etc" / "drills" for place in places if (place / "etc" / "drills").is_dir()), None)


def purpose(text: str) -> str:
    """What a file rehearses: the first sentence, or its first part, of the remark at its top."""
    words: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        words += line.lstrip("# ").split()
    end = next((at for at, word in enumerate(words) if word[-1] in ".:;"), len(words))
    return " ".join(words[: end + 1]).rstrip(".:;")


def listing() -> str:
    """All of them as lines, "" where there are none."""
    place = folder()
    found = sorted(place.glob("*.ini")) if place is not None else []
    if not found:
        return ""
    rows = [(_shown(path), purpose(path.read_text(encoding="utf-8"))) for path in found]
    width = max(len(name) for name, _ in rows)
    return "".join(f"{line}\n" for line in (HEAD, *(f"  {name:{width}}  {what}" for name, what in rows)))


def _shown(path: Path) -> str:
    """As it can be typed here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return os.fspath(path)
