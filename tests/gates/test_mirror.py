"""Each file of the program has one file of unit tests, and each of those has its file."""

from __future__ import annotations

from tests.gates.sources import PACKAGE, ROOT, UNIT, modules, shown


def test_each_file_has_its_unit_tests() -> None:
    wanted = {
        UNIT / path.relative_to(PACKAGE).parent / f"test_{path.name}"
        for path in modules()
        if path.name != "__init__.py"
    }
    missing = [shown(path) for path in sorted(wanted) if not path.exists()]
    assert not missing, "write these tests"


def test_unit_tests_have_their_file() -> None:
    orphans = [
        shown(path)
        for path in sorted(UNIT.rglob("test_*.py"))
        if not (PACKAGE / path.relative_to(UNIT).parent / path.name.removeprefix("test_")).exists()
    ]
    assert not orphans, (
        f"rename these after a file below {PACKAGE.relative_to(ROOT)}/, or move them out of tests/unit"
    )
