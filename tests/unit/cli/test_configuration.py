from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from director.cli import configuration
from director.cli.client import Refused
from director.errors import ConfigError
from director.model import Configuration, Settings


class Reader:
    """Stands where the configuration room's reader does."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def load(self, path: Path) -> Any:
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


def use(monkeypatch: pytest.MonkeyPatch, result: Any) -> None:
    monkeypatch.setattr(configuration, "_module", lambda _: Reader(result))


def problem(severity: str) -> SimpleNamespace:
    return SimpleNamespace(severity=severity)


def test_a_good_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, (Configuration(settings=Settings(state_dir="/run/director")), [problem("warning")]))
    found = configuration.check(tmp_path)
    assert (found.errors, found.warnings) == (0, 1)
    assert configuration.state_dir(tmp_path) == Path("/run/director")


def test_a_file_with_errors_has_no_state_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, ConfigError((problem("error"), problem("warning"))))
    found = configuration.check(tmp_path)
    assert (found.configuration, found.errors, found.warnings) == (None, 1, 1)
    with pytest.raises(Refused, match=r"has errors(.|\n)*director check"):
        configuration.state_dir(tmp_path)


def test_a_file_that_is_not_there_says_what_to_name() -> None:
    with pytest.raises(Refused, match=r"there is no(.|\n)*-c FILE(.|\n)*--socket PATH"):
        configuration.state_dir(Path("/nowhere/director.ini"))


def test_a_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, PermissionError(13, "Permission denied"))
    with pytest.raises(Refused, match="Permission denied"):
        configuration.check(tmp_path)
