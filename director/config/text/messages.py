"""What is said about a configuration: positions, problems, and how they are printed.

`reader`, `sources` and `build` put problems into a `Findings`; the commands print them with `render`
(text: message line, source line, caret, what to do next) or `as_json`.  Knows nothing of any section.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from attrs import asdict, evolve, frozen

ERROR = "error"
WARNING = "warning"

_SHOWN = 80
"""Characters of a value that are repeated in a message; the source line shows the rest."""

_HINTED = 200
"""So many problems get a nearest name each; a file with more has one cause, and the search is slow."""

_LIMIT = 1000
"""So many problems are kept; the last one then says that there are more."""


_PASSWORD = re.compile(r"(\s*password\s*=\s*).+", re.IGNORECASE)


@frozen
class Position:
    """A place in a file: `line` and `column` count from 1 (characters); 0 = the file as a whole."""

    file: str
    line: int = 0
    column: int = 0
    line_text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@frozen
class Problem:
    """One thing that is wrong (`error`) or doubtful (`warning`), and what to do next (`hint`).

    `section` is without brackets, `key` and `value` as written; all three may be empty.
    """

    file: str
    line: int
    column: int
    severity: str
    section: str
    key: str
    value: str
    message: str
    hint: str = ""
    line_text: str = ""

    def __str__(self) -> str:
        """One line, for where there is room for no more: the API's answer to a refused reload."""
        said = render_one(self).partition("\n")[0]
        return f"{said}; {self.hint}" if self.hint else said


class BadValue(Exception):  # noqa: N818 - it says what was found, as ValueError does
    """A value that cannot be used; raised by parsers, made a `Problem` by their caller.

    Attributes:
        start: offset into the parsed text where the mistake begins.
        hint: what to do next.
    """

    def __init__(self, message: str, hint: str = "", start: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.start = start


class Findings:
    """Collects problems; bounded, the last place says how many more there were."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._lost: dict[str, int] = {ERROR: 0, WARNING: 0}

    def add(
        self,
        place: Position,
        message: str,
        *,
        section: str = "",
        key: str = "",
        value: str = "",
        hint: str = "",
        severity: str = ERROR,
    ) -> None:
        """Note a problem at `place`."""
        self.note(
            Problem(
                file=place.file,
                line=place.line,
                column=place.column,
                severity=severity,
                section=section,
                key=key,
                value=value,
                message=message,
                hint=hint,
                line_text=place.line_text,
            )
        )

    def note(self, problem: Problem) -> None:
        """Note a problem that is already made; a password in it is masked."""
        secret = _PASSWORD.match(problem.line_text)
        if secret:
            problem = evolve(problem, line_text=secret[1] + "***", value=problem.value and "***")
        if len(self._problems) < _LIMIT:
            self._problems.append(problem)
        else:
            self._lost[problem.severity] += 1

    def nearest(self, word: str, known: Iterable[str]) -> str:
        """A hint `did you mean X?`, or the known names when they are few, or ''."""
        return suggest(word, list(known)) if len(self._problems) < _HINTED else ""

    @property
    def failed(self) -> bool:
        """True when there is an error among the problems."""
        return self._lost[ERROR] > 0 or any(problem.severity == ERROR for problem in self._problems)

    def problems(self) -> tuple[Problem, ...]:
        """All problems: file by file in the order they were first met, by line in each."""
        order = {name: at for at, name in enumerate(dict.fromkeys(p.file for p in self._problems))}
        found = sorted(self._problems, key=lambda p: (order[p.file], p.line, p.column))
        lost = sum(self._lost.values())
        if lost:
            severity = ERROR if self._lost[ERROR] else WARNING
            more = Problem(found[0].file, 0, 0, severity, "", "", "", f"{lost} more problems are not shown")
            found.append(evolve(more, hint="mend the first ones and check again"))
        return tuple(found)


def suggest(word: str, known: Sequence[str]) -> str:
    """`did you mean X?` for the known name nearest to `word`; a short list when none is near."""
    near = difflib.get_close_matches(word, known[:5000], n=1, cutoff=0.6)
    if not near:
        near = [name for name in known if name.lower() == word.lower()][:1]
    if near:
        return f"did you mean {near[0]}?"
    if 0 < len(known) <= 12:
        return "known: " + ", ".join(sorted(known))
    return ""


def render(problems: Iterable[Problem]) -> str:
    """All problems as text, one block each; '' for none.

    Where one advice is about several problems in a row, it stands below the last of them.
    """
    found = list(problems)
    repeated = [one.hint == after.hint for one, after in pairwise(found)]
    return "".join(
        render_one(evolve(one, hint="") if again else one)
        for one, again in zip(found, [*repeated, False], strict=False)
    )


def render_one(problem: Problem) -> str:
    """One problem: `file:line:column: error: [section] key = value: what`, the line, a caret, a hint."""
    where = problem.file
    if problem.line:
        where += f":{problem.line}:{problem.column}"
    lines = [f"{where}: {problem.severity}: {_subject(problem)}{problem.message}"]
    if problem.line:
        before = problem.line_text[: max(problem.column - 1, 0)]
        pad = "".join("\t" if letter == "\t" else " " for letter in before)
        lines += [f"    {problem.line_text}", f"    {pad}^"]
    if problem.hint:
        lines.append(f"    {problem.hint}")
    return "\n".join(lines) + "\n"


def _subject(problem: Problem) -> str:
    """`[section] key = value: `, as far as known."""
    if not problem.section:
        return ""
    if not problem.key:
        return f"[{problem.section}]: "
    if not problem.value:
        return f"[{problem.section}] {problem.key}: "
    return f"[{problem.section}] {problem.key} = {shorten(problem.value)}: "


def shorten(value: str) -> str:
    """`value` on one line and not longer than a message can bear."""
    first, newline, _ = value.partition("\n")
    if len(first) > _SHOWN:
        return first[:_SHOWN] + "…"
    return first + " …" if newline else first


def as_json(problems: Iterable[Problem]) -> str:
    """All problems as a JSON list of objects with the fields of `Problem`."""
    return json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=2) + "\n"


def exit_code(problems: Sequence[Problem], *, strict: bool = False) -> int:
    """What `director check` ends with: 0 clean or warnings, 1 warnings with `strict`, 2 errors."""
    if any(problem.severity == ERROR for problem in problems):
        return 2
    return 1 if strict and problems else 0
