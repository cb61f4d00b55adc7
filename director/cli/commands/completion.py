"""`director completion bash|zsh|fish`: a script for a shell, made of the table of commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from director.cli.command import Command, argument
from director.cli.invocation import Invocation

SHELLS = ("bash", "zsh", "fish")
SHARED = ("--json", "--socket", "--config", "--help")
"""Options of every command (`grammar`)."""


def command(others: Sequence[Command]) -> Command:
    """The command that completes `others`, and itself."""
    shells = (argument("shell", choices=SHELLS, metavar="|".join(SHELLS)),)
    text = "A script that completes commands in a shell."

    def run(call: Invocation) -> int:
        known = (*others, Command("completion", text, arguments=shells))
        return call.show(script(call.options.shell, {one.name: tuple(words(one)) for one in known}), str)

    return Command("completion", text, run, shells)


def words(one: Command) -> Iterator[str]:
    """What may stand behind a command: its parts, the words it chooses from, and its options."""
    yield from (part.name for part in one.parts)
    for part in (one, *one.parts):
        for each in part.arguments:
            yield from each.settings.get("choices", ())
            yield from (name for name in each.names if name.startswith("--"))
    yield from SHARED


def script(shell: str, known: Mapping[str, Sequence[str]]) -> str:
    """A script for a shell: commands, and what may stand behind them."""
    names = " ".join(known)
    if shell == "fish":
        lines = [f"complete -c director -f -n __fish_use_subcommand -a '{names}'"]
        lines += [
            f"complete -c director -f -n '__fish_seen_subcommand_from {name}' -a '{' '.join(more)}'"
            for name, more in known.items()
            if more
        ]
        return "\n".join(lines) + "\n"
    cases = "".join(f"    {name}) words='{' '.join(more)}' ;;\n" for name, more in known.items() if more)
    load = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return (
        f"{load}_director() {{\n"
        f"  local words='{names}'\n"
        f'  [ "$COMP_CWORD" -gt 1 ] && case "${{COMP_WORDS[1]}}" in\n{cases}    *) words= ;;\n  esac\n'
        '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))\n'
        "}\ncomplete -o default -F _director director\n"
    )
