"""What may become the running configuration, and what it would change (composition).

A `Candidate` is made once, by who reads the file (a thread, when there is traffic), or from what runs and a
command's changes.  `service` adds what only the loop may know, and every part is then asked about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from director.errors import ConfigError
from director.model.settings import Configuration
from director.plugins import UserFiles
from director.registry.changes import Change
from director.registry.edits import Laid
from director.scheduling.catalog import Catalog

if TYPE_CHECKING:
    # A worker makes candidates without a file, and does not wait for what reads one.
    from director.config.loaded import Loaded
    from director.config.text.messages import Problem


@frozen(eq=False)
class Candidate:
    """One configuration on its way.

    Attributes:
        loaded: what came of reading the file; None in a worker, which reads none.
        files: the users' own scheduler files, executed.
        author: who wants it; `origin`, from where they asked.
        laid: the file's configuration with what operators changed laid over it; None for what a command
            makes of the running one.
        desired: what shall run.
        changes: what leads there from what runs now.
        catalog: the schedulers that it may name.
    """

    loaded: Loaded | None
    files: UserFiles
    author: str = ""
    origin: str = ""
    laid: Laid | None = None
    desired: Configuration = field(factory=Configuration)
    changes: tuple[Change, ...] = ()
    catalog: Catalog | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that was found in the file."""
        return self.loaded.problems if self.loaded is not None else ()

    @property
    def configuration(self) -> Configuration | None:
        """The file's; None when it has errors."""
        return self.loaded.configuration if self.loaded is not None else None

    def require(self) -> Configuration:
        """The file's configuration.  Raises ConfigError with all problems when it has errors."""
        if self.configuration is None:
            raise ConfigError(self.problems)
        return self.configuration

    def by(
        self, author: str, desired: Configuration, laid: Laid | None = None, origin: str = ""
    ) -> Candidate:
        """The same with what the loop knows."""
        return evolve(self, author=author, origin=origin, desired=desired, laid=laid)
