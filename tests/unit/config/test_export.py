from __future__ import annotations

from collections.abc import Callable

from director.config.export import export
from director.config.loaded import Loaded

Reader = Callable[..., Loaded]


def test_includes_are_merged_paths_resolved_and_secrets_masked(read_ini: Reader) -> None:
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


def test_what_was_exported_reads_back_the_same(read_ini: Reader) -> None:
    text = (
        "[l7:w]\nlisten = :80,\n  :81\n[rule:1 a]\nservice = w\nwhen = path ~ ^/(a)$$\nredirect = 301 /$1\n"
    )
    first = read_ini(text)
    assert read_ini(export(first)).require() == first.require()
