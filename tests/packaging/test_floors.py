"""No dependency is older than the security fixes that the director relies on."""

from __future__ import annotations

from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]

# Of dependencies' dependencies, and of what only some installations have.
INDIRECT = ("cryptography >= 50", "h11 >= 0.16")
# What the advisories ask of those we name ourselves; setup.cfg may ask for more, not for less.
ADVISED = {"Twisted": "26.10.0", "werkzeug": "3.1.6", "pyOpenSSL": "26.4.0"}


def _declared() -> list[Requirement]:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options"]["install_requires"].splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(
    "requirement", [*_declared(), *map(Requirement, INDIRECT)], ids=lambda each: each.name
)
def test_what_is_installed_is_not_below_its_floor(requirement: Requirement) -> None:
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        pytest.skip(f"{requirement.name} is not installed")
    assert requirement.specifier.contains(installed, prereleases=True), (
        f"{requirement} wanted, {installed} found"
    )


@pytest.mark.parametrize("requirement", _declared(), ids=lambda each: each.name)
def test_floors_are_those_of_the_advisories(requirement: Requirement) -> None:
    floors = [each.version for each in requirement.specifier if each.operator == ">="]
    assert len(floors) == 1, "every dependency has one floor"
    advised = ADVISED.get(requirement.name)
    if advised:
        assert not Requirement(f"x < {advised}").specifier.contains(floors[0])
