"""The way in: a name with its password, or the admin's token."""

from __future__ import annotations

from director.admin.pages.frame import document
from director.admin.pages.html import el


def login(message: str = "") -> str:
    """The sign-in page; `message` says why the last try was refused."""
    form = el(
        "form",
        {"method": "post", "action": "/login", "class": "card"},
        el("h1", None, "Sign in to the director"),
        el("p", {"class": "alert", "role": "alert"}, message) if message else None,
        el("label", {"for": "user"}, "Name"),
        el("input", {"id": "user", "name": "user", "autocomplete": "username", "autofocus": True}),
        el("label", {"for": "password"}, "Password"),
        el(
            "input",
            {"id": "password", "name": "password", "type": "password", "autocomplete": "current-password"},
        ),
        el("p", {"class": "hint"}, "or"),
        el("label", {"for": "token"}, "Admin token"),
        el("input", {"id": "token", "name": "token", "type": "password", "autocomplete": "off"}),
        el("button", {"type": "submit"}, "Sign in"),
        el(
            "p",
            {"class": "hint"},
            "The director prints a link that signs in once when it starts; ",
            el("code", None, "director token link"),
            " gives another. The token is kept in ",
            el("code", None, "admin.token"),
            " in its state directory.",
        ),
    )
    return document("Sign in · director", el("main", {"class": "sign"}, form))
