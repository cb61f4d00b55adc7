"""Who else can write what the director obeys: the configuration, and what it makes us execute (composition).

Whoever can write these files decides what the director does, as whom it runs.  As with the admin's token, a
file that anybody can write is refused; one that a group or another user can write gets a warning, for that
may be meant.  Called by `configuration` at each reading; the store looks at its own file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from director.config.loaded import Loaded
from director.config.text.messages import ERROR, WARNING, Findings, Position, Problem
from director.model.settings import Configuration


def problems(loaded: Loaded, configuration: Configuration) -> list[Problem]:
    """What is wrong with the rights of the files that were read, of users' schedulers, and of exec checks."""
    findings = Findings()
    for file in loaded.document.files:
        for severity, text, hint in doubts(Path(file)):
            findings.add(Position(file), text, hint=hint, severity=severity)
    found = list(findings.problems())
    executed = [(f"scheduler:{one.name}", "python", one.path) for one in configuration.schedulers]
    executed += [(f"guard:{one.name}", "python", one.path) for one in configuration.guards if one.path]
    executed += [(f"check:{one.name}", "exec", one.command[0]) for one in configuration.checks if one.command]
    for section, key, path in executed:
        for severity, text, hint in doubts(Path(path)):
            found.append(loaded.problem_at(section, key, f"{path}: {text}", hint, severity))
    return found


def doubts(path: Path) -> Iterator[tuple[str, str, str]]:
    """(severity, what is wrong, what to do) of a file's rights; nothing when it cannot be looked at."""
    try:
        facts, open_folder = path.stat(), _open_folder(path)
    except OSError:
        return
    if facts.st_mode & stat.S_IWOTH:
        yield ERROR, "anybody can write this file, and the director would obey", f"chmod o-w {path}"
    elif open_folder is not None:
        text = "anybody can replace this file, and the director would obey"
        yield ERROR, text, f"chmod o-w {open_folder}"
    # A user's private group has the user's own number; root's has whom root trusts.
    elif facts.st_mode & stat.S_IWGRP and facts.st_gid not in {0, facts.st_uid}:
        text = f"the group {facts.st_gid} can write this file, and the director obeys"
        yield WARNING, text, f"chmod g-w {path}, if that is not meant"
    if facts.st_uid not in {0, os.geteuid()}:
        text = f"the file belongs to the user {facts.st_uid}, whom the director thereby obeys"
        yield WARNING, text, f"chown {os.geteuid()} {path}, if that is not meant"


def _open_folder(path: Path) -> Path | None:
    """The nearest folder on the way to a file in which anybody can put another in its place.

    As in /tmp, others cannot rename or remove what is not theirs (inode(7), S_ISVTX).
    """
    for folder in (*path.absolute().parents, *path.resolve().parents):
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return folder
    return None
