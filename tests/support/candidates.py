"""Candidates for parts that are tested one by one."""

from __future__ import annotations

from attrs import evolve

from director.config.loaded import Loaded
from director.config.text.sources import Document
from director.model.settings import Configuration
from director.plugins import UserFiles
from director.program.candidate import Candidate
from director.registry.changes import Change


def candidate(desired: Configuration, *changes: Change, author: str = "ops") -> Candidate:
    """What a command would make of what runs."""
    read = Candidate(Loaded(desired, (), Document()), UserFiles())
    return evolve(read.by(author, desired), changes=changes)
