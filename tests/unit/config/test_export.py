from __future__ import annotations

from director.config.export import export
from tests.support.configurations import read_ini


def test_includes_are_merged_paths_resolved_and_secrets_masked() -> None:
    loaded = read_ini(
        "[director]\nname = ${NAME}\nstate_dir = ../var\ninclude = d/*.ini\n",
        {
            "etc/d/a.ini": "[page:x]\nfile = x.html\n[demo:a]\nlisten = unix:a.sock\n"
            "[user:o]\npassword = $argon2id$hunter2\n[l7:w]\nlisten = :80,\n  :81\n"
            "[rule:1 a]\nservice = w\nrespond = 200 ${file:s} $${x}\n",
            "etc/d/x.html": "x",
            "etc/d/s": "secret\n",
        },
        {"NAME": "edge"},
    )
    assert export(loaded) == (
        "# from etc/main.ini\n# from etc/d/a.ini\n"
        "\n[director]\nname = edge\nstate_dir = var\n"
        "\n[page:x]\nfile = etc/d/x.html\n"
        "\n[demo:a]\nlisten = unix:etc/d/a.sock\n"
        "\n[user:o]\npassword = ***\n"
        "\n[l7:w]\nlisten = :80,\n    :81\n"
        "\n[rule:1 a]\nservice = w\nrespond = 200 *** $${x}\n"
    )


def test_what_was_exported_reads_back_the_same() -> None:
    text = (
        "[l7:w]\nlisten = :80,\n  :81\n[rule:1 a]\nservice = w\nwhen = path ~ ^/(a)$$\nredirect = 301 /$1\n"
    )
    first = read_ini(text)
    assert read_ini(export(first)).require() == first.require()


def test_what_commands_changed_stands_in_it_and_says_so() -> None:
    loaded = read_ini(
        "[pool:web]\nserver.a = 10.0.0.1:80 weight=2\n  max=9\nserver.b = 10.0.0.2:80\n"
        "server.c = 10.0.0.3:80\n[l7:w]\nlisten = :80\npool = web\n"
    )
    orders: dict[tuple[str, str], dict[str, int | str]] = {
        ("web", "a"): {"weight": 7, "min": 3},
        ("web", "b"): {"state": "drain"},
        ("other", "c"): {"weight": 0},
    }
    text = export(loaded, orders)
    assert text == (
        "# from etc/main.ini\n"
        "\n[pool:web]\n"
        "# changed by command; the file says: 10.0.0.1:80 weight=2 max=9\n"
        "server.a = 10.0.0.1:80 max=9 weight=7 min=3\n"
        "# by command: drain\n"
        "server.b = 10.0.0.2:80\n"
        "server.c = 10.0.0.3:80\n"
        "\n[l7:w]\nlisten = :80\npool = web\n"
    )
    server = read_ini(text).require().pools[0].servers[0]
    assert (server.weight, server.max, server.min) == (7, 9, 3)
