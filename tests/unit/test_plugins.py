from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.plugin import IPlugin
from zope.interface import implementer
from zope.interface.verify import verifyObject

from director.errors import SchedulerError
from director.interfaces import IScheduler, ISchedulerPlugin
from director.model.pools import CustomScheduler
from director.model.pools import SchedulerSpec as Spec
from director.plugins import SchedulerPlugin, UserFiles, catalog, discover
from director.scheduling.base import explanation
from director.scheduling.custom import Guarded, Note
from director.scheduling.preview import preview
from tests.unit.scheduling.fakes import KEY, Key, Pool, Server, many, names, servers

ROOT = Path(__file__).parents[2]
IPVS = {"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"}
BEYOND = {"random", "p2c", "ewma", "least-time", "hash", "test"}
KTCPVS = {"http", "hhttp", "phttp", "chttp"}
ALL = sorted(IPVS | BEYOND | KTCPVS)


def make(name: str, *flags: str) -> IScheduler:
    argument = "client" if name == "hash" else ""
    return catalog().make(Spec(name, argument, flags), Random(1))


# --- what is installed ---------------------------------------------------------------------------


def test_the_exact_set_of_names() -> None:
    """Twisted only logs a plug-in file that is broken: without this a name could vanish unseen."""
    assert [plugin.name for plugin in discover()] == ALL
    assert list(catalog().names) == ALL


def test_no_package_file_hides_the_plugins() -> None:
    assert not (ROOT / "twisted" / "__init__.py").exists()
    assert not (ROOT / "twisted" / "plugins" / "__init__.py").exists()


def test_each_declaration_is_complete() -> None:
    for plugin in discover():
        assert verifyObject(ISchedulerPlugin, plugin)
        assert IPlugin.providedBy(plugin)
        assert plugin.description.endswith(".")
        made = make(plugin.name, *plugin.flags)
        assert verifyObject(IScheduler, made)


def test_names_of_ktcpvs_are_wlc() -> None:
    assert {type(make(name)) for name in ("http", "phttp", "chttp")} == {type(make("wlc"))}


def test_discovery_imports_no_algorithm() -> None:
    program = (
        "import sys; from director.plugins import discover; discover(); "
        "print(sorted(name for name in sys.modules if name.startswith('director.scheduling.')))"
    )
    answer = python(program)
    assert "director.scheduling.catalog" in answer.stdout
    assert "director.scheduling.mh" not in answer.stdout


def python(program: str, *path: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python that looks for packages in `path` and here."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with plug-ins of somebody else."""
    (tmp_path / "twisted" / "plugins").mkdir(parents=True)
    return tmp_path


LIST = (
    "from director.plugins import catalog; from director.model.pools import SchedulerSpec; "
    "from random import Random; "
    "c = catalog(); print(*c.names); print(type(c.make(SchedulerSpec('theirs'), Random(1))).__name__)"
)


def test_an_installed_plugin_is_found(elsewhere: Path) -> None:
    (elsewhere / "twisted" / "plugins" / "theirs_plugin.py").write_text(
        "from director.plugins import SchedulerPlugin\n"
        "theirs = SchedulerPlugin('theirs', 'Theirs.', 'theirs_module:Theirs')\n"
    )
    (elsewhere / "theirs_module.py").write_text(
        "from director.scheduling.base import Scheduler\n"
        "class Theirs(Scheduler):\n"
        "    def choose(self, servers, key, now):\n"
        "        return servers[0]\n"
    )
    answer = python(LIST, elsewhere)
    assert answer.stdout.split() == [*sorted([*ALL, "theirs"]), "Theirs"]


def test_a_broken_plugin_file_takes_nothing_else_away(elsewhere: Path) -> None:
    (elsewhere / "twisted" / "plugins" / "broken_plugin.py").write_text("import no_such_module\n")
    answer = python(LIST, elsewhere)
    assert answer.stdout.split() == ALL
    assert "no such scheduler: theirs;" in answer.stderr
    assert "known: chttp, dh, ewma" in answer.stderr


def test_two_plugins_of_one_name_are_refused(elsewhere: Path) -> None:
    (elsewhere / "twisted" / "plugins" / "theirs_plugin.py").write_text(
        "from director.plugins import SchedulerPlugin\nrr = SchedulerPlugin('rr', 'Theirs.', 'x:Y')\n"
    )
    answer = python(LIST, elsewhere)
    assert "two schedulers are called rr" in answer.stderr
    assert "x:Y" in answer.stderr


def test_a_declaration_is_a_value() -> None:
    assert SchedulerPlugin("x", "X.", "a:B") == SchedulerPlugin("x", "X.", "a:B")


# --- what holds for each of them -----------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
def test_it_picks_an_eligible_server_or_none_whatever_happens(name: str, data: st.DataObject) -> None:
    """V58 from its side; quiesce (B.7), overload (B.5), servers that come and go, the empty pool."""
    scheduler = make(name)
    pool = [
        Server(f"s{number}", data.draw(st.integers(0, 3))) for number in range(data.draw(st.integers(0, 4)))
    ]
    scheduler.start("l7:www", tuple(pool))
    for turn in range(data.draw(st.integers(1, 12))):
        event = data.draw(st.sampled_from(["add", "remove", "update", "choose", "choose", "choose"]))
        if event == "add":
            pool.append(Server(f"t{turn}", data.draw(st.integers(0, 3))))
            scheduler.server_added(pool[-1])
        elif event == "remove" and pool:
            scheduler.server_removed(pool.pop(data.draw(st.integers(0, len(pool) - 1))))
        elif event == "update" and pool:
            server = data.draw(st.sampled_from(pool))
            server.weight = data.draw(st.integers(0, 3))
            server.last_weight = server.weight or server.last_weight
            scheduler.server_updated(server)
        up = data.draw(st.integers(0, 255))
        eligible = tuple(each for place, each in enumerate(pool) if each.weight and up >> place & 1)
        if eligible:
            client = data.draw(st.integers(0, 2**32 - 1))
            key = Key(client, client % 65536, str(client % 3), virtual_number=client, hash_key=str(client))
            foretold = preview(scheduler, eligible, key, turn * 100.0)
            chosen = scheduler.choose(eligible, key, turn * 100.0)
            assert chosen is None or chosen in eligible
            assert chosen is foretold
            assert isinstance(explanation(scheduler, eligible, key, turn * 100.0), tuple)
            if chosen is not None:
                chosen.active += 1
    scheduler.stop()


@pytest.mark.parametrize("name", sorted(set(ALL) - {"dh", "sh", "mh", "hhttp", "ovf"}))
def test_it_has_an_answer_as_long_as_anybody_is_eligible(name: str) -> None:
    scheduler, pool = make(name), many(5)
    scheduler.start("l7:www", pool)
    assert all(scheduler.choose(pool[place : place + 1], Key(place), 0.0) for place in range(5))


@pytest.mark.parametrize("name", ["sh", "mh"])
def test_with_fallback_so_have_the_tables(name: str) -> None:
    scheduler, pool = make(name, "fallback"), many(5)
    scheduler.start("l7:www", pool)
    assert all(scheduler.choose(pool[place : place + 1], Key(9), 0.0) for place in range(5))


# --- a user's file -------------------------------------------------------------------------------

GOOD = '''
"""Mine."""
from __future__ import annotations
from dataclasses import dataclass


@dataclass
class Tenant:
    """The last one.

    And more.
    """

    count: int = 0

    def choose(self, servers, key, now):
        return servers[-1]
'''


def custom(path: Path, text: str, attribute: str = "Tenant") -> CustomScheduler:
    path.write_text(text)
    return CustomScheduler("tenant", str(path), attribute)


def test_a_class_in_a_file_is_a_scheduler(tmp_path: Path) -> None:
    filled = catalog([custom(tmp_path / "mine.py", GOOD)])
    assert set(filled.names) == {*ALL, "tenant"}
    plugin = next(plugin for plugin in filled.plugins if plugin.name == "tenant")
    assert plugin.description == "The last one."
    assert plugin.location == f"{tmp_path}/mine.py:Tenant"
    scheduler = filled.make(Spec("tenant"), Random(1))
    assert isinstance(scheduler, Guarded)
    assert scheduler.name == "tenant"
    pool = servers(1, 1)
    scheduler.start("l7:www", pool)
    assert scheduler.choose(pool, KEY, 0.0) is pool[1]
    assert filled.make(Spec("tenant"), Random(1)) is not scheduler
    assert not list(tmp_path.glob("__pycache__"))


def test_what_a_file_prints_is_an_event(tmp_path: Path) -> None:
    text = GOOD.replace("        return", "        print('chose among', len(servers))\n        return")
    heard: list[str] = []

    @implementer(ILogObserver)
    def hear(event: LogEvent) -> None:
        heard.append(formatEvent(event))

    globalLogPublisher.addObserver(hear)
    try:
        made = catalog([custom(tmp_path / "mine.py", text + "print('loaded')\n")])
        scheduler = made.make(Spec("tenant"), Random(1))
        pool = servers(1, 1)
        scheduler.start("l7:www", pool)
        assert scheduler.choose(pool, KEY, 0.0) is pool[1]
    finally:
        globalLogPublisher.removeObserver(hear)
    assert heard == [f"{tmp_path}/mine.py: loaded", f"{tmp_path}/mine.py: chose among 2"]


def test_a_replaced_one_says_at_which_line(tmp_path: Path) -> None:
    notes: list[Note] = []
    text = GOOD.replace("        return", "        servers[0].weight = 0\n        return")
    scheduler = catalog([custom(tmp_path / "mine.py", text)], notes.append).make(Spec("tenant"), Random(1))
    pool = servers(1, 1)
    scheduler.start("l7:www", pool)
    assert scheduler.choose(pool, KEY, 0.0) is pool[0]
    number = text.splitlines().index("        servers[0].weight = 0") + 1
    assert f" at {tmp_path}/mine.py:{number}; mend it and reload" in str(notes[0])


def test_a_file_is_read_afresh_each_time(tmp_path: Path) -> None:
    pool = servers(1, 1)
    for index, expected in (("-1", "b"), ("+0", "a")):
        filled = catalog([custom(tmp_path / "mine.py", GOOD.replace("-1", index))])
        scheduler = filled.make(Spec("tenant"), Random(1))
        scheduler.start("l7:www", pool)
        assert names([scheduler.choose(pool, KEY, 0.0)]) == expected


def test_note_and_clock_reach_the_guard(tmp_path: Path) -> None:
    notes: list[Note] = []
    ticks = iter(range(100))
    filled = catalog([custom(tmp_path / "mine.py", GOOD)], notes.append, lambda: float(next(ticks)))
    scheduler = filled.make(Spec("tenant"), Random(1))
    pool = servers(1, 1)
    scheduler.start("l7:www", pool)
    assert names([scheduler.choose(pool, KEY, 0.0) for _ in range(4)]) == "bbaa"
    assert notes[0].reason == "choose took 1000000 us, its budget is 50 us, 3 strikes"


@pytest.mark.parametrize(
    ("text", "attribute", "message"),
    [
        (
            "class Tenant:\n  def choose(self\n",
            "Tenant",
            r"mine.py:2: SyntaxError: '\(' was never closed.*mend it",
        ),
        (
            "\n\nimport no_such_module\n",
            "Tenant",
            "mine.py:3: ModuleNotFoundError: .*no_such_module.*; mend it",
        ),
        ("def f():\n    1 / 0\n\nf()\n", "Tenant", "mine.py:2: ZeroDivisionError"),
        ("raise SystemExit(3)\n", "Tenant", "mine.py:1: SystemExit: 3"),
        ("x = '\ud800'".encode("utf-8", "surrogatepass").decode("latin-1"), "Tenant", "has no Tenant"),
        (GOOD, "Tennant", 'mine.py has no Tennant; did you mean "Tenant"?'),
        ("x = 1\n", "Tenant", "mine.py has no Tenant; it defines no class"),
        ("Tenant = 1\n", "Tenant", "mine.py:Tenant is no class"),
        ("class Tenant: pass\n", "Tenant", "mine.py:Tenant has no method choose"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(
    tmp_path: Path, text: str, attribute: str, message: str
) -> None:
    with pytest.raises(SchedulerError, match=message) as refused:
        catalog([custom(tmp_path / "mine.py", text, attribute)])
    assert str(refused.value).startswith("[scheduler:tenant] ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SchedulerError, match=r"cannot be read \(No such file or directory\); check the path"):
        UserFiles().load(str(tmp_path / "none.py"), "X")


def test_all_problems_at_once(tmp_path: Path) -> None:
    customs = [
        custom(tmp_path / "one.py", "1 / 0"),
        CustomScheduler("wlc", custom(tmp_path / "two.py", GOOD).path, "Tenant"),
    ]
    with pytest.raises(SchedulerError) as refused:
        catalog(customs)
    first, second = str(refused.value).splitlines()
    assert first.startswith("[scheduler:tenant] ")
    assert second.startswith("[scheduler:wlc] two schedulers are called wlc")


# --- the examples of the documentation -----------------------------------------------------------

GUIDE = (ROOT / "docs" / "schedulers.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of that kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def documented(tmp_path: Path, place: int, attribute: str) -> IScheduler:
    """The class of one of the guide's Python blocks, as `[scheduler:mine]` gives it."""
    path = tmp_path / "schedulers.py"
    path.write_text(blocks("python")[place], encoding="utf-8")
    filled = catalog([CustomScheduler("mine", str(path), attribute, budget=1.0)])
    return filled.make(Spec("mine"), Random(1))


def test_the_first_fit_of_the_guide_fills_servers_as_the_guide_shows(tmp_path: Path) -> None:
    most, least = map(int, re.findall(r"server\.a = .* max=(\d+) min=(\d+)", GUIDE)[0])
    pool = Pool(documented(tmp_path, 0, "FirstFit"), servers(1, 1, 1), most, least)
    lines = blocks("text")[0].splitlines()
    assert len(lines) == 7
    for line in lines:
        if opened := re.fullmatch(r"open (\d+) +-> ((?:[abc] )*[abc])(?:   .*)?", line):
            assert [pool.connect() for _ in range(int(opened[1]))] == opened[2].split()
        else:
            closed = re.fullmatch(r"close ((?:[abc] )*[abc])   .*", line)
            assert closed, line
            for name in closed[1].split():
                pool.close(name)


def test_the_tenants_of_the_guide_stay_where_they_were(tmp_path: Path) -> None:
    a, b = pool = servers(1, 1)
    scheduler = documented(tmp_path, 1, "Tenant")
    scheduler.start("l7:www", pool)
    blue, red = (Key(facts={"header x-tenant": name}) for name in ("blue", "red"))
    assert scheduler.choose(pool, blue, 0.0) is a
    a.active = 3
    assert names([scheduler.choose(pool, key, 0.0) for key in (red, blue, KEY)]) == "bab"
    scheduler.server_removed(a)
    assert scheduler.choose((b,), blue, 0.0) is b
    assert isinstance(scheduler, Guarded)
    assert scheduler.explain((b,), blue, 0.0) == (("b", "0/1"),)
    assert scheduler.reason == ""


def test_the_declaration_of_the_guide_is_a_plugin(tmp_path: Path) -> None:
    path = tmp_path / "acme_plugin.py"
    path.write_text(blocks("python")[2], encoding="utf-8")
    assert verifyObject(ISchedulerPlugin, UserFiles().load(str(path), "tenant"))


def test_the_guide_knows_each_scheduler_and_no_other() -> None:
    table = GUIDE.split("## Which one")[1].split("###")[0]
    first = "".join(re.findall(r"^\|(.*?)\|", table, re.MULTILINE))
    assert sorted(re.findall(r"`([a-z0-9-]+)[`(]", first)) == ALL
