"""Who looks at a page, and what everybody must know whatever page they look at."""

from __future__ import annotations

from attrs import frozen

from director.admin.views import Json


@frozen
class Notices:
    """What is out of the ordinary on purpose, and ends by itself.

    Attributes:
        injected: faults that run (`views.fault_view`).
        drill: the run that goes on, None without one.
        waiting: the reload that is undone unless somebody confirms it, None without one.
    """

    injected: tuple[Json, ...] = ()
    drill: Json | None = None
    waiting: Json | None = None


@frozen
class Viewer:
    """Who looks: whose director it is, what they may do there, and the token their forms carry.

    Attributes:
        csrf: empty for who came without a session (a bearer of a token, the control socket).
        operates, administers: their role allows this much.
        socket: the path of the control socket, for what can be asked with curl.
        seen: the entity tag of the configuration that the page shows.
        wall: on a screen that people pass by.
    """

    name: str
    csrf: str = ""
    who: str = ""
    operates: bool = False
    administers: bool = False
    notices: Notices = Notices()
    socket: str = "var/control.sock"
    seen: str = ""
    wall: bool = False

    @property
    def orders(self) -> bool:
        """They may give orders, and have the token to send a form."""
        return self.operates and bool(self.csrf)

    @property
    def rules(self) -> bool:
        """The same of what only an admin may."""
        return self.administers and bool(self.csrf)
