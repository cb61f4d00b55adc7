"""What a user's own scheduler is shown of servers and requests: what `IServer` and `IKey` name, to read.

A view reads through to the live object at each look, so it is never old, and has nothing that can be
written.  The live object itself cannot be got at through it: it stands in a slot whose descriptor is kept
here and taken off the class.  A server has the same view for as long as its scheduler lives, so a view may
be a key of a dict, and which server was chosen is told by the identity of its view, never by `==`: what a
stranger's object says it equals proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import classImplements
from zope.interface.interface import Method

from director.interfaces import IKey, IServer


class ServerView:
    """A server, to read."""

    __slots__ = ("_live",)

    def __init__(self, live: IServer) -> None:
        _put_server(self, live)

    def __repr__(self) -> str:
        return f"<server {_get_server(self).name}>"


class KeyView:
    """The facts of a request or packet, to read."""

    __slots__ = ("_live",)

    def __init__(self, live: IKey) -> None:
        _put_key(self, live)


def _sealed(cls: Any, interface: Any) -> tuple[Callable[[object, Any], None], Callable[[object], Any]]:
    """Give `cls` what `interface` names, and take away the door to the live object; how to put and get it."""
    slot = cls.__dict__["_live"]
    del cls._live
    get = slot.__get__
    for name, description in interface.namesAndDescriptions():
        setattr(cls, name, _method(name, get) if isinstance(description, Method) else _attribute(name, get))
    classImplements(cls, interface)  # type: ignore[misc]  # a class that the checker cannot see
    return slot.__set__, get


def _attribute(name: str, get: Callable[[object], Any]) -> property:
    return property(lambda view: getattr(get(view), name))


def _method(name: str, get: Callable[[object], Any]) -> Callable[..., Any]:
    return lambda view, *facts: getattr(get(view), name)(*facts)


_put_server, _get_server = _sealed(ServerView, IServer)
_put_key, _get_key = _sealed(KeyView, IKey)
