"""The open extension points: what a plug-in may rely on and must provide.

Only these are zope interfaces; everything else in the program is plain classes.
A scheduler gets servers (`IServer`) and the facts of one request or packet (`IKey`) and
returns one of these servers or None.  A user's own gets views of them that cannot be written.
"""

from __future__ import annotations

from collections.abc import Sequence

from zope.interface import Attribute, Interface


class IServer(Interface):
    """A live server as a scheduler sees it; read-only for schedulers."""

    name: str = Attribute("the server's name within its pool")
    address = Attribute("director.model.pools.Address")
    number: int = Attribute("the address as an integer folded to 32 bits by XOR (0 for names)")
    port: int = Attribute("the server's port")
    weight: int = Attribute("effective weight; 0 = quiesced")
    last_weight: int = Attribute("the last weight that was not 0 (B.3); what mh builds its table from")
    active: int = Attribute("active connections (layer 4) plus requests in flight (layer 7)")
    inactive: int = Attribute("inactive connections (B.6)")
    available: bool = Attribute("still in its pool, healthy, and not in maintenance (AVAILABLE of B.1)")
    overloaded: bool = Attribute("the OVERLOAD flag of B.5")
    latency: float = Attribute("peak-sensitive moving average of response times in seconds; 0 = none yet")


class IKey(Interface):
    """The facts of one request or packet, for schedulers that look at them."""

    client: str = Attribute("client address without port")
    client_port: int = Attribute("client port")
    client_number: int = Attribute("client address as an integer folded to 32 bits by XOR")
    virtual: str = Attribute("virtual address the client asked for")
    virtual_port: int = Attribute("virtual port")
    virtual_number: int = Attribute("virtual address as an integer folded to 32 bits by XOR")
    host: str = Attribute("layer 7: Host in lower case without port; else ''")
    path: str = Attribute("layer 7: the normalised path; else ''")
    uri: str = Attribute("layer 7: the request target as sent; else ''")
    method: str = Attribute("layer 7: the method; else ''")
    hash_key: str | None = Attribute("the rule's own hash value (`hash = path.1`), or None")

    def header(name: str) -> str | None:
        """The value of a header field (lower-case name), or None."""

    def cookie(name: str) -> str | None:
        """The value of a cookie, or None."""

    def query(name: str) -> str | None:
        """The first value of a query parameter, decoded, or None."""

    def group(number: int) -> str | None:
        """Captured group of the rule's regular expression, or None."""


class IScheduler(Interface):
    """One algorithm working for one (service, pool).

    Life: `start`, then any of `server_added`, `server_removed`, `server_updated` and `choose`,
    then `stop`.  No I/O and no clock: `now` is monotonic seconds.
    """

    def start(service: str, servers: Sequence[IServer]) -> None:
        """Begin work for `service` with all servers of the pool in configured order.

        Raises anything: the service is then refused with that message.
        """

    def server_added(server: IServer) -> None:
        """`server` now stands at the end of the configured order."""

    def server_removed(server: IServer) -> None:
        """`server` left the pool."""

    def server_updated(server: IServer) -> None:
        """Weight or thresholds of `server` changed."""

    def choose(servers: Sequence[IServer], key: IKey, now: float) -> IServer | None:
        """Pick one of `servers`, or None.

        `servers` holds the eligible ones only (available, ready, weight > 0, not overloaded),
        in configured order; it is never empty.
        """

    def stop() -> None:
        """The service is gone or has another scheduler now."""


class ISchedulerPlugin(Interface):
    """How a scheduler is found: a light object in `twisted/plugins/`, naming its class by string."""

    name: str = Attribute("the name used in `scheduler =`, such as `wlc`")
    description: str = Attribute("one sentence for operators")
    location: str = Attribute("`package.module:Class`, imported when first used")
    flags: tuple[str, ...] = Attribute("words allowed behind the name, such as `port`, `fallback`")
    takes_argument: bool = Attribute("True when `name(ARGUMENT)` is its form")
