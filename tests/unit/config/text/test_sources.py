from __future__ import annotations

import pytest

from director.config.loaded import Loaded
from director.config.text.messages import render
from director.config.text.sources import resolve
from tests.support.configurations import read_ini

DEMO = "[demo:{}]\nlisten = 127.0.0.1:{}\n"


def lines(loaded: Loaded) -> list[tuple[str, int, int, str]]:
    return [(p.file, p.line, p.column, p.message) for p in loaded.problems]


def test_paths_are_relative_to_the_file_that_names_them() -> None:
    assert resolve("etc/main.ini", "../var") == "var"
    assert resolve("/etc/d/a.ini", "x/./y") == "/etc/d/x/y"
    assert resolve("main.ini", "var") == "var"
    assert resolve("etc/a.ini", "/run//x") == "/run/x"


def test_includes_are_sorted_nested_and_read_once() -> None:
    loaded = read_ini(
        "[director]\ninclude = conf.d/*.ini, conf.d/a.ini\n",
        {
            "etc/conf.d/b.ini": DEMO.format("b", 2),
            "etc/conf.d/a.ini": DEMO.format("a", 1) + "[director]\nname = x\ninclude = more/c.ini\n",
            "etc/conf.d/more/c.ini": DEMO.format("c", 3),
        },
    )
    assert loaded.problems == ()
    assert loaded.document.files == [
        "etc/main.ini",
        "etc/conf.d/a.ini",
        "etc/conf.d/more/c.ini",
        "etc/conf.d/b.ini",
    ]
    assert [demo.name for demo in loaded.require().demos] == ["a", "c", "b"]
    assert loaded.require().settings.name == "x"


def test_a_pattern_may_match_nothing_but_a_path_must_exist() -> None:
    assert read_ini("[director]\ninclude = none/*.ini\n").problems == ()
    loaded = read_ini("[director]\ninclude = none/*.ini,\n  x.ini\n")
    assert lines(loaded) == [("etc/main.ini", 3, 3, "cannot read etc/x.ini: No such file or directory")]


def test_a_cycle_is_shown_whole() -> None:
    loaded = read_ini("[director]\ninclude = a.ini\n", {"etc/a.ini": "[director]\ninclude = main.ini\n"})
    text = "includes itself: etc/main.ini -> etc/a.ini -> etc/main.ini"
    assert lines(loaded) == [("etc/a.ini", 2, 11, text)]


def test_sections_and_keys_of_two_files_that_clash() -> None:
    loaded = read_ini(
        "[director]\nname = x\ninclude = a.ini\n" + DEMO.format("a", 1),
        {"etc/a.ini": "[director]\nname = y\n" + DEMO.format("a", 2)},
    )
    assert lines(loaded) == [
        ("etc/a.ini", 2, 1, "the key is already set at etc/main.ini:2"),
        ("etc/a.ini", 3, 1, "the section is already at etc/main.ini:4"),
    ]


def test_variables() -> None:
    loaded = read_ini(
        "[demo:a]\nlisten = ${HOST}:${PORT:-80}\n[demo:b]\nlisten = 127.0.0.1:${file:port}\n"
        "[l7:x]\nlisten = :1\n[rule:1 a]\nservice = x\nrespond = 200 $$ $x $${HOST}\n",
        {"etc/port": "8080\n"},
        {"HOST": "127.0.0.2"},
    )
    assert loaded.problems == ()
    a, b = loaded.require().demos
    assert (str(a.listen), str(b.listen)) == ("127.0.0.2:80", "127.0.0.1:8080")
    assert loaded.require().rules[0].respond == (200, "$ $x ${HOST}")


def test_an_empty_variable_takes_the_default() -> None:
    loaded = read_ini("[demo:a]\nlisten = :${PORT:-80}\n", environ={"PORT": ""})
    assert loaded.require().demos[0].listen.port == 80


@pytest.mark.parametrize(
    ("value", "column", "message"),
    [
        ("${NONE}:80", 10, "the environment has no NONE"),
        ("x:${A-B}", 12, "not a variable: ${A-B}"),
        ("x:${}", 12, "not a variable: ${}"),
        ("x:${A", 12, "${ without }"),
        ("x:${A:-${B:-1}}", 12, "a variable in the default of another"),
        ("x:${file:none}", 12, "cannot read etc/none: No such file or directory"),
        ("x:${file:binary}", 12, "etc/binary is not text in UTF-8"),
        ("x:${BELL}", 12, "${BELL} holds control characters"),
    ],
)
def test_variables_that_stand_for_nothing(value: str, column: int, message: str) -> None:
    loaded = read_ini(f"[demo:a]\nlisten = {value}\n", {"etc/binary": b"\xff"}, {"BELL": "\a"})
    assert lines(loaded)[0] == ("etc/main.ini", 2, column, message)


def test_columns_behind_a_variable_are_those_of_the_file() -> None:
    loaded = read_ini(
        "[l7:x]\nlisten = ${A}, ::1\npool = x\n[pool:x]\nserver.a = ${A} ${A}\n", environ={"A": "h:80"}
    )
    assert [(p.line, p.column) for p in loaded.problems] == [(2, 16), (5, 17)]


def test_the_content_of_a_secret_is_never_printed() -> None:
    loaded = read_ini("[demo:a]\nlisten = ${file:s}\n", {"etc/s": "hunter2"})
    assert loaded.problems
    assert "hunter2" not in render(loaded.problems)


def test_variables_that_are_called_so_are_secrets() -> None:
    environ = {"DB_PASSWORD": "hunter2", "API_KEY": "k3y", "PORT": "80", "MONKEY": "no", "TOKENS": "no"}
    text = "".join(f"[page:{name.lower()}]\nfile = ${{{name}}}\n" for name in environ)
    loaded = read_ini(text, environ=environ)
    found = {
        title: section.items["file"].value.secrets for title, section in loaded.document.sections.items()
    }
    assert found == {
        "page:db_password": ("hunter2",), "page:api_key": ("k3y",), "page:port": (), "page:monkey": (),
        "page:tokens": (),
    }  # fmt: skip


def test_the_first_file_is_missing() -> None:
    from director.config.loaded import load_from
    from director.config.text.sources import World

    def nothing(path: str) -> bytes:
        raise FileNotFoundError(2, "No such file or directory", path)

    loaded = load_from("x.ini", World(nothing, lambda _: [], {}))
    assert lines(loaded) == [("x.ini", 0, 0, "cannot read x.ini: No such file or directory")]
