from __future__ import annotations

from director.errors import DirectorError
from director.l4.io.capture import nft

LISTED = "table netdev director-a\ntable netdev other\ntable netdev director-b\n"
OWNER = 'table netdev director-a {\n\tchain owner {\n\t\taccept comment "a pid 1 start 2"\n\t}\n}\n'


def test_owners_of_our_tables_only() -> None:
    said: list[str] = []

    def run(text: str) -> str:
        said.append(text)
        if text.startswith("list tables"):
            return LISTED
        if "director-b" in text:
            raise DirectorError("no such chain")
        return OWNER

    assert nft.owners(run, "director-") == {"director-a": "a pid 1 start 2", "director-b": ""}
    assert not any("other" in text for text in said)


def test_finding_is_probing() -> None:
    run = nft.find()
    assert run is None or callable(run)
