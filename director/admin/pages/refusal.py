"""What a browser is told when there is no page, or when a button was not obeyed."""

from __future__ import annotations

from collections.abc import Sequence

from director.admin.pages.frame import bare
from director.admin.pages.html import el

TITLES = {
    403: "Not allowed",
    404: "There is no such page",
    409: "Nothing was changed",
    412: "Somebody else changed it",
    429: "Too many tries",
}


def refused(status: int, text: str, problems: Sequence[str] = (), since: Sequence[str] = ()) -> str:
    """Why not, and the way back; `problems` are of a configuration, `since` changes by others."""
    return bare(
        TITLES.get(status, f"Refused ({status})"),
        el("h1", None, TITLES.get(status, "This was refused")),
        el("p", {"class": "alert", "role": "alert"}, text),
        el("ul", {"class": "problems"}, [el("li", None, el("pre", None, one)) for one in problems])
        if problems
        else None,
        (el("h2", None, "Changed since"), el("ul", {"class": "diff"}, [el("li", None, one) for one in since]))
        if since
        else None,
    )
