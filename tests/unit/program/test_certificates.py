from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from director.model.tls import Certificate
from director.program import configuration
from director.program.certificates import EVERY, Certificates
from tests.support.certificates import make
from tests.support.said import said


def candidate(*certificates: Certificate) -> Any:
    return SimpleNamespace(desired=SimpleNamespace(served_certificates=certificates))


def test_read_served_and_followed(tmp_path: Path) -> None:
    chain, key = make("a.example").write(tmp_path, "a")
    changes: list[int] = []
    part = Certificates()
    part.changed = lambda: changes.append(1)
    wanted = candidate(Certificate("a", chain, key), Certificate("b", str(tmp_path / "none")))
    part.prepare(wanted)
    part.abandon()
    assert part.store.pairs("a") == ()
    part.prepare(wanted)
    with said() as lines:
        part.commit(wanted)
    assert any("certificate b" in line and "cannot be read" in line for line in lines)
    assert [pair.names for pair in part.store.pairs("a")] == [("a.example",)]
    ((look, period),) = part.chores()
    assert period == EVERY
    make("a.example", days=99).write(tmp_path, "a")
    with said() as lines:
        look()
    assert any("new files are served" in line for line in lines)
    assert len(changes) == 2


INI = """
[director]
name = x
state_dir = {folder}
[cert:ended]
file = {folder}/ended.crt
key = {folder}/ended.key
[cert:soon]
file = {folder}/soon.crt
key = {folder}/soon.key
[cert:good]
file = {folder}/good.crt
key = {folder}/good.key
[cert:mixed]
file = {folder}/good.crt
key = {folder}/soon.key
[l7:www]
listen = 127.0.0.1:8443
tls = ended soon good mixed
pool = web
[pool:web]
server.a = 127.0.0.1:9
"""


def test_a_check_says_what_is_wrong_with_files(tmp_path: Path) -> None:
    for name, days in (("ended", -1.0), ("soon", 5.5), ("good", 60.0)):
        make(f"{name}.example", days=days).write(tmp_path, name)
    ini = tmp_path / "director.ini"
    ini.write_text(INI.format(folder=tmp_path))
    found = configuration.examine(str(ini), offline=True)
    names = [one.section for one in found.problems]
    assert names == ["cert:ended", "cert:soon", "cert:mixed"]
    assert all(one.severity == "warning" for one in found.problems)
    ended, soon, mixed = (one.message for one in found.problems)
    assert "has ended on" in ended
    assert "in 5.5 days" in soon
    assert "is not that of the first certificate" in mixed
