from __future__ import annotations

from twisted.internet.address import IPv4Address

from director.admin.site import CONNECTIONS, PER_PEER
from tests.unit.admin.wire import TOKEN, Admin

SLOW = f"GET /api/v1/pools HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


def full(made: Admin) -> list[tuple[object, object]]:
    """As many connections as there may be, from many addresses."""
    return [made.connect(f"127.0.{number // 200}.{number % 200}") for number in range(CONNECTIONS)]


def test_a_newcomer_takes_the_place_of_who_has_waited_longest() -> None:
    made = Admin()
    (first, gone), (_, next_) = full(made)[:2]
    assert made.connect("127.0.0.250")
    assert (gone.disconnected, next_.disconnected) == (True, False)  # type: ignore[attr-defined]
    assert made.authenticator.counted["connections_cut"] == 1
    assert first not in made.site._waiting


def test_who_is_being_served_keeps_the_place() -> None:
    made = Admin()
    held = full(made)
    for protocol, _ in held:
        protocol.dataReceived(SLOW)  # type: ignore[attr-defined]
    assert made.site.buildProtocol(IPv4Address("TCP", "127.0.0.250", 1)) is None
    assert made.authenticator.counted["connections_refused"] == 1
    made.clock.pump([0.01] * 999)
    assert made.site.buildProtocol(IPv4Address("TCP", "127.0.0.250", 1)) is not None


def test_one_address_pushes_out_itself_alone() -> None:
    made = Admin()
    _, other = made.connect("127.0.0.1")
    mine = [made.connect("127.0.0.2")[1] for _ in range(PER_PEER)]
    made.connect("127.0.0.2")
    assert [one.disconnected for one in mine] == [True] + [False] * (PER_PEER - 1)
    assert not other.disconnected


def test_a_closed_connection_makes_room() -> None:
    made = Admin()
    held = full(made)
    held[0][0].connectionLost()  # type: ignore[attr-defined]
    made.connect("127.0.0.250")
    assert made.authenticator.counted["connections_cut"] == 0
    assert made.site.connections == CONNECTIONS


def test_no_log_holds_the_token() -> None:
    made = Admin()
    made.site.startFactory()
    made.sign_in()
    made.site.stopFactory()
    assert made.site.logPath is None
    assert made.site.acceptableProtocols() == [b"http/1.1"]
