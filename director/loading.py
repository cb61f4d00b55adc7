"""Reading a configuration as the program does it (composition).

With the installed schedulers and the user's own, and with its `[test:…]` sections rehearsed.
Called at start, at each reload, and by `director check`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from random import Random
from urllib.parse import urlsplit

from attrs import evolve

from director import plugins
from director.changes import plan
from director.config.io.load import load as load_file
from director.config.loaded import Loaded
from director.config.messages import Problem
from director.config.schedulers import SchedulerFacts
from director.errors import ChangeRefused, MessageError, SchedulerError
from director.l7.explain import explain, synthetic_head
from director.l7.site import Site
from director.model import ConfigTest, Configuration
from director.registry import Registry
from director.scheduling.catalog import Catalog
from director.sites import build_sites


def read(path: str) -> Loaded:
    """The configuration at `path` with everything that is wrong with it; raises nothing for that."""
    loaded = load_file(os.path.abspath(path), known=known_schedulers())  # noqa: PTH100 - `..` stays as written
    loaded = evolve(loaded, problems=tuple(evolve(one, file=_shown(one.file)) for one in loaded.problems))
    configuration = loaded.configuration
    if configuration is None:
        return loaded
    problems = tuple(_own_scheduler_problems(loaded, configuration))
    if not problems:
        problems = tuple(_test_problems(loaded, configuration))
    if not problems:
        return loaded
    return evolve(loaded, configuration=None, problems=(*loaded.problems, *problems))


def _shown(path: str) -> str:
    """A path as an operator would write it from here."""
    near = os.path.relpath(path)
    return path if near.startswith("..") else near


def load(path: object) -> tuple[Configuration | None, tuple[Problem, ...]]:
    """The same for the commands: the configuration (None with errors) and all findings."""
    loaded = read(str(path))
    return loaded.configuration, loaded.problems


def known_schedulers() -> Mapping[str, SchedulerFacts]:
    """The installed schedulers, as the reader wants them."""
    return {one.name: SchedulerFacts(one.flags, one.takes_argument) for one in plugins.discover()}


def _own_scheduler_problems(loaded: Loaded, configuration: Configuration) -> list[Problem]:
    found = []
    for custom in configuration.schedulers:
        try:
            plugins.catalog((custom,))
        except SchedulerError as error:
            found.append(loaded.problem_at(f"scheduler:{custom.name}", "python", str(error)))
    return found


def _test_problems(loaded: Loaded, configuration: Configuration) -> list[Problem]:
    """Rehearse `[test:…]` on a registry of its own, where every server is up and idle."""
    if not configuration.tests:
        return []
    catalog = plugins.catalog(configuration.schedulers)
    registry = rehearsal(configuration, catalog)
    sites = build_sites(configuration, registry)
    found = []
    for test in configuration.tests:
        found += [loaded.problem_at(f"test:{test.title}", "expect", text) for text in failures(test, sites)]
    return found


def rehearsal(configuration: Configuration, catalog: Catalog) -> Registry:
    """A registry that runs `configuration` and touches nothing."""
    registry = Registry(lambda spec: catalog.make(spec, Random(0)))
    registry.apply(plan(registry.configuration, configuration), "rehearsal", 0.0, 0.0)
    return registry


def failures(test: ConfigTest, sites: list[Site]) -> list[str]:
    """What a test expected and did not get, one sentence each."""
    expected = dict(test.expect)
    try:
        told = decide(sites, test.method, test.uri, test.headers, test.client, expected.get("service", ""))
    except MessageError as error:
        told = {"status": error.status, "outcome": error.reason}
    except (ChangeRefused, SchedulerError, ValueError) as error:
        return [f"the request cannot be decided: {error}"]
    return [
        f"expected {word} {value}, got {_got(word, told)}"
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
    return got == value


def decide(
    sites: list[Site],
    method: str,
    url: str,
    headers: tuple[tuple[str, str], ...],
    client: str,
    service: str = "",
    now: float = 0.0,
) -> dict[str, object]:
    """What would become of a request; `url` is absolute, or a path.

    The service is the named one, else the first whose listener has the URL's port, else the first.
    Raises MessageError for what would be refused, ValueError when there is no such service.
    """
    parts = urlsplit(url)
    site = _site_for(sites, parts.port or (443 if parts.scheme == "https" else 80), service)
    target = parts.path or "/" if parts.netloc else url.partition("?")[0]
    if parts.query:
        target += "?" + parts.query
    head = synthetic_head(site, method, target, parts.netloc or "localhost", headers)
    return explain(site, head, client or "127.0.0.1", now)


def _site_for(sites: list[Site], port: int, service: str) -> Site:
    fitting = [site for site in sites if site.is_http and service in ("", site.config.name)]
    if not fitting:
        raise ValueError(f"there is no HTTP service {service}".rstrip() + "; name one of [l7:…]")
    for site in fitting:
        if any(address.port == port for address in site.config.listen):
            return site
    return fitting[0]
