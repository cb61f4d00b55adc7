"""Diagrams in the docs are made from the tables that the code works by."""

from __future__ import annotations

import runpy

from tests.gates.sources import ROOT

DIAGRAMS = runpy.run_path(str(ROOT / "docs" / "diagrams.py"))


def test_the_life_of_an_exchange_is_drawn_as_it_is() -> None:
    text = DIAGRAMS["EXCHANGE"].read_text(encoding="utf-8")
    assert text == DIAGRAMS["exchange_page"](), "run `make docs-diagrams`"
