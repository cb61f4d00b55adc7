"""Where the requests of a simulation belong, as the configuration says while all is well."""

from __future__ import annotations

from attrs import frozen

from director import plugins
from director.errors import DirectorError, MessageError
from director.model.settings import Configuration
from director.plugins import UserFiles
from director.program.configuration import decide, rehearsal
from director.program.layer7 import compile_services
from director.program.simulation.schedule import PlannedAsk


@frozen
class DueRoute:
    """`pool` is where a request goes; without one, `status` is the director's own answer, 0 = unknown."""

    pool: str = ""
    status: int = 0


class Routes:
    """The routes of one configuration; what was asked once is remembered, as the requests are few."""

    def __init__(self, configuration: Configuration, files: UserFiles) -> None:
        registry = rehearsal(configuration, plugins.catalog(configuration.schedulers, files=files))
        self._sites = compile_services(configuration, registry)
        self._known: dict[tuple[str, str, str, str], DueRoute] = {}

    def of(self, service: str, ask: PlannedAsk) -> DueRoute:
        """Of one request."""
        key = (service, ask.method, ask.host, ask.target)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._decided(*key)
        return found

    def _decided(self, service: str, method: str, host: str, target: str) -> DueRoute:
        try:
            told = decide(self._sites, method, f"http://{host}{target}", (), "192.0.0.1", service)
        except MessageError as error:
            return DueRoute(status=error.status)
        except DirectorError:
            return DueRoute()
        return DueRoute(str(told["pool"] or ""), int(str(told["status"] or 0)))
