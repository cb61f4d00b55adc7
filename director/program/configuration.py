"""Reading a configuration as the program does it (composition).

With the installed schedulers and the user's own, and with its `[test:…]` sections rehearsed.  What comes of
it is a `Candidate`, made once, by a thread when there is traffic.  Called at start, at each reload, and by
`director check`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from urllib.parse import urlsplit

from attrs import evolve
from twisted.internet.endpoints import clientFromString, serverFromString

from director import plugins
from director.config.io.load import load as load_file
from director.config.loaded import Loaded
from director.config.parse.schedulers import SchedulerFacts
from director.config.text.messages import ERROR, Problem
from director.errors import ChangeRefused, DirectorError, MessageError, SchedulerError
from director.l7.routing.explain import explain, synthetic_head
from director.l7.routing.service import CompiledService
from director.model.pools import SchedulerSpec
from director.model.settings import ConfigTest, Configuration
from director.plugins import UserFiles
from director.program import certificates, host, preflight, rights
from director.program.candidate import Candidate
from director.program.layer7 import compile_services
from director.registry.changes import plan
from director.registry.live import RealServer, supposed_down
from director.registry.registry import Registry
from director.scheduling.catalog import Catalog

STATE_DIR = "DIRECTOR_STATE_DIR"
"""The variable that gives another `state_dir` than the file."""
_PLACE = re.compile(r"(?<= at )/.+?(?=:[0-9]+)")
"""A place in another file, as messages name it."""


def read(path: str, before: UserFiles | None = None) -> Candidate:
    """The configuration at `path` with everything that is wrong with it; raises nothing for that.

    `before` are the users' files of what runs: those that say the same are not executed again.
    """
    files = UserFiles(before)
    return Candidate(_looked_at(path, (*LOOKS, _needed_rehearsal_problems), files), files)


def examine(path: str, *, offline: bool = False, content: bytes | None = None) -> Loaded:
    """The same for a check, which may take its time: unless `offline`, it asks whether servers answer.

    With `content` that is what `path` holds, whatever is there.
    """
    asking: tuple[Look, ...] = () if offline else (_unreachable_problems,)
    looks = (*LOOKS, _rehearsal_problems, _certificate_problems, *asking)
    return _looked_at(path, looks, UserFiles(), content)


def _looked_at(path: str, looks: Iterable[Look], files: UserFiles, content: bytes | None = None) -> Loaded:
    """What is read from `path`, and what each look finds, as long as there was no error."""
    whole = os.path.abspath(path)  # noqa: PTH100 - `..` stays as written
    loaded = load_file(whole, known=known_schedulers(), content=content)
    loaded = _elsewhere(loaded)
    configuration, problems = loaded.configuration, loaded.problems
    for look in looks:
        found = look(loaded, configuration, files) if configuration is not None else []
        problems = (*problems, *found)
        if any(one.severity == ERROR for one in found):
            configuration = None
    if not os.path.isabs(path):  # noqa: PTH117 - a text, as it was written
        problems = tuple(_near(one) for one in problems)
    return evolve(loaded, configuration=configuration, problems=problems)


def _elsewhere(loaded: Loaded) -> Loaded:
    """With the state directory that the environment gives: a director for a drill has one of its own."""
    place, configuration = os.environ.get(STATE_DIR, ""), loaded.configuration
    if not place or configuration is None:
        return loaded
    settings = evolve(configuration.settings, state_dir=place)
    return evolve(loaded, configuration=evolve(configuration, settings=settings))


def _near(problem: Problem) -> Problem:
    """A problem with all places as seen from here, for who named the configuration so."""
    message = _PLACE.sub(lambda place: os.path.relpath(place[0]), problem.message)
    return evolve(problem, file=os.path.relpath(problem.file), message=message)


def load(
    path: object, *, offline: bool = False, content: bytes | None = None
) -> tuple[Configuration | None, tuple[Problem, ...]]:
    """The same for the commands: the configuration (None with errors) and all findings."""
    loaded = examine(str(path), offline=offline, content=content)
    return loaded.configuration, loaded.problems


def _rights_problems(loaded: Loaded, configuration: Configuration, _files: UserFiles) -> list[Problem]:
    """Before anything of them is executed."""
    return rights.problems(loaded, configuration)


def known_schedulers() -> Mapping[str, SchedulerFacts]:
    """The installed schedulers, as the reader wants them."""
    return {one.name: SchedulerFacts(one.flags, one.takes_argument) for one in plugins.discover()}


def _own_scheduler_problems(loaded: Loaded, configuration: Configuration, files: UserFiles) -> list[Problem]:
    found = []
    for custom in configuration.schedulers:
        try:
            plugins.try_out(custom, files)
        except SchedulerError as error:
            found.append(loaded.problem_at(f"scheduler:{custom.name}", "python", str(error)))
    return found


def _guard_problems(loaded: Loaded, configuration: Configuration, files: UserFiles) -> list[Problem]:
    found = []
    for guard in configuration.guards:
        if guard.path:
            try:
                function = files.load(guard.path, guard.attribute)
            except SchedulerError as error:
                found.append(loaded.problem_at(f"guard:{guard.name}", "python", str(error)))
            else:
                if not callable(function):
                    text = f"{guard.attribute} of {guard.path} cannot be called; name a function"
                    found.append(loaded.problem_at(f"guard:{guard.name}", "python", text))
    return found


def _scheduler_problems(loaded: Loaded, configuration: Configuration, files: UserFiles) -> list[Problem]:
    """Arguments that only their scheduler understands; each spec is tried once."""
    catalog = plugins.catalog(configuration.schedulers, files=files)
    wrong: dict[SchedulerSpec, str] = {}
    for _, spec in _schedulers(configuration):
        if spec not in wrong:
            try:
                catalog.make(spec, Random(0))
                wrong[spec] = ""
            except SchedulerError as error:
                wrong[spec] = str(error)
    return [
        loaded.problem_at(section, "scheduler", wrong[spec])
        for section, spec in _schedulers(configuration)
        if wrong[spec]
    ]


def _needed_rehearsal_problems(
    loaded: Loaded, configuration: Configuration, files: UserFiles
) -> list[Problem]:
    """A start or reload proves by itself what changes: left are the tests, and files that are read anew."""
    needed = configuration.tests or any(files.differs(one.path) for one in configuration.schedulers)
    return _rehearsal_problems(loaded, configuration, files) if needed else []


def _certificate_problems(loaded: Loaded, configuration: Configuration, _files: UserFiles) -> list[Problem]:
    return certificates.problems(loaded, configuration, time.time())


def _unreachable_problems(loaded: Loaded, configuration: Configuration, _files: UserFiles) -> list[Problem]:
    return [*preflight.problems(loaded, configuration), *host.problems(loaded, configuration)]


def _rehearsal_problems(loaded: Loaded, configuration: Configuration, files: UserFiles) -> list[Problem]:
    """Do what a start would do to a registry, on one that is thrown away, and ask it the tests."""
    try:
        registry = rehearsal(configuration, plugins.catalog(configuration.schedulers, files=files))
    except ChangeRefused as error:
        return [loaded.problem_at(error.at.replace(" ", ":", 1), "scheduler", str(error))]
    sites = compile_services(configuration, registry) if configuration.tests else []
    return [
        loaded.problem_at(f"test:{test.title}", "expect", text, hint)
        for test in configuration.tests
        for text, hint in failures(test, sites)
    ]


def _endpoint_problems(loaded: Loaded, configuration: Configuration, _files: UserFiles) -> list[Problem]:
    """Endpoint strings that Twisted cannot read: of servers, and to listen on.

    What systemd hands over only a program that it started has, so that is seen at the start.
    """
    found = []
    listening = [
        (f"l7:{service.name}", one.endpoint) for service in configuration.l7 for one in service.listen
    ]
    if configuration.admin is not None:
        listening.append(("admin", configuration.admin.listen.endpoint))
    for section, endpoint in listening:
        try:
            if endpoint and not endpoint.startswith("systemd:"):
                serverFromString(None, endpoint)
        except Exception as error:  # noqa: BLE001  # each kind of endpoint has its own parser
            text = f"Twisted cannot listen on {endpoint}: {error}"
            found.append(loaded.problem_at(section, "listen", text))
    for pool in configuration.pools:
        for server in pool.servers:
            try:
                if server.address.endpoint:
                    clientFromString(None, server.address.endpoint)
            except Exception as error:  # noqa: BLE001  # each kind of endpoint has its own parser
                text = f"Twisted has no such endpoint to connect to: {error}"
                found.append(loaded.problem_at(f"pool:{pool.name}", f"server.{server.name}", text))
    return found


def _schedulers(configuration: Configuration) -> Iterator[tuple[str, SchedulerSpec]]:
    """Every scheduler that is asked for, with the section that asks."""
    for pool in configuration.pools:
        yield f"pool:{pool.name}", pool.scheduler
    for service in configuration.l4:
        if service.scheduler is not None:
            yield f"l4:{service.name}", service.scheduler


def rehearsal(configuration: Configuration, catalog: Catalog) -> Registry:
    """A registry that runs `configuration`, where every server is up and idle, and touches nothing."""
    registry = Registry(lambda spec: catalog.make(spec, Random(0)))
    registry.apply(plan(registry.configuration, configuration), "rehearsal", 0.0, 0.0)
    return registry


_TELLING = ("rule", "pool", "server", "fault", "location", "status")


def failures(test: ConfigTest, sites: list[CompiledService]) -> list[tuple[str, str]]:
    """What a test expected and did not get, one sentence each, with the whole of what it got.

    So whoever reads it sees, say, the backup server that `down` has left out.
    """
    expected = dict(test.expect)
    try:
        service = expected.get("service", "")
        told = decide(sites, test.method, test.uri, test.headers, test.client, service, down=test.down)
    except MessageError as error:
        told = {"status": error.status, "outcome": error.reason}
    except DirectorError as error:
        return [(f"the request cannot be decided: {error}", "")]
    whole = ", ".join(f"{word} {told[word]}" for word in _TELLING if told.get(word))
    return [
        (f"expected {word} {value}, got {_got(word, told)}", f"the request gets {whole or 'no answer'}")
        for word, value in test.expect
        if not _meets(word, value, told)
    ]


def _got(word: str, told: Mapping[str, object]) -> str:
    return str(told.get(word) or "none")


def _meets(word: str, value: str, told: Mapping[str, object]) -> bool:
    got = _got(word, told)
    if word == "rule":
        number, _, title = got.partition(" ")
        return value in (got, number, title)
    if word == "server":
        return value in (got, f"{told.get('pool')}/{got}")
    if word == "fault":
        step, _, name = got.partition(" ")
        return value in (got, step) or (step == "active" and value.rpartition("/")[2] == name)
    return got == value


def decide(
    sites: list[CompiledService],
    method: str,
    url: str,
    headers: tuple[tuple[str, str], ...],
    client: str,
    service: str = "",
    now: float = 0.0,
    down: Sequence[str] = (),
) -> dict[str, object]:
    """What would become of a request; `url` is absolute, or a path; `down` are servers as POOL/SERVER.

    The service is the named one, else the first whose listener has the URL's port, else the first.
    Raises MessageError for what would be refused, DirectorError when that is no URL, or there is no such
    service or server.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise DirectorError(f"this is no URL: {error}") from error
    site = _site_for(sites, port, service)
    target = parts.path or "/" if parts.netloc else url.partition("?")[0]
    if parts.query:
        target += "?" + parts.query
    head = synthetic_head(site, method, target, parts.netloc or "localhost", headers)
    with supposed_down([_server_named(site.registry, name) for name in down]):
        return explain(site, head, client or "127.0.0.1", now)


def _server_named(registry: Registry, text: str) -> RealServer:
    """A live server by `POOL/SERVER`."""
    pool, _, name = text.partition("/")
    found = registry.pools[pool].server(name) if pool in registry.pools else None
    if found is None:
        raise DirectorError(f"there is no server {text}; name it as POOL/SERVER")
    return found


def _site_for(sites: list[CompiledService], port: int, service: str) -> CompiledService:
    fitting = [site for site in sites if site.is_http and service in ("", site.config.name)]
    if not fitting:
        raise DirectorError(f"there is no HTTP service {service}".rstrip() + "; name one of [l7:…]")
    for site in fitting:
        if any(address.port == port for address in site.config.listen):
            return site
    return fitting[0]


Look = Callable[[Loaded, Configuration, UserFiles], list[Problem]]
LOOKS: tuple[Look, ...] = (
    _rights_problems,
    _own_scheduler_problems,
    _guard_problems,
    _endpoint_problems,
    _scheduler_problems,
)
"""What is looked for at every reading, in this order, as long as nothing is wrong."""
