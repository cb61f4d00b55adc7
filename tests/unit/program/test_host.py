"""What a check says of this machine."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from director.config.text.messages import WARNING, render
from director.l4.io.netlink.rtnetlink import InterfaceAddress, KernelLink
from director.l4.io.netlink.view import KernelView
from director.program import host
from director.program.configuration import examine
from director.store.io.place import Place

INI = """
[director]
state_dir = state

[pool:web]
server.a = 127.0.0.1:1

[pool:here]
server.a = 127.0.0.1:2

[l7:www]
listen = 127.0.0.1:0, 192.0.2.80:80
pool = web

[l4]
interfaces = nowhere0

[l4:web]
virtual = tcp 198.51.100.10:80
pool = here
"""


def test_a_check_says_what_a_start_would_wait_for(tmp_path: Path) -> None:
    ini = tmp_path / "director.ini"
    ini.write_text(INI)
    loaded = examine(str(ini))
    assert loaded.configuration is not None, "none of it refuses a start"
    said = render(loaded.problems)
    assert "does not have the address of 192.0.2.80:80 now" in said
    assert "127.0.0.1:0 now" not in said
    assert "there is no interface nowhere0 now" in said
    assert "server.a = 127.0.0.1:2: the server is the loopback: packets of clients never get there" in said
    assert {one.severity for one in loaded.problems} == {WARNING}
    quiet = examine(str(ini), offline=True)
    assert "does not have the address" not in render(quiet.problems)


def test_a_port_that_another_program_has_is_said_but_not_beside_the_director_itself(tmp_path: Path) -> None:
    ini = tmp_path / "director.ini"
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.1", 0)) as third:
        port = other.getsockname()[1]
        admin = f"[admin]\nlisten = 127.0.0.1:{third.getsockname()[1]}\n"
        ini.write_text(INI.replace("127.0.0.1:0", f"127.0.0.1:{port}") + admin)
        said = render(examine(str(ini)).problems)
        assert f"127.0.0.1:{port} cannot be opened now: the address is in use; stop the other program" in said
        assert said.count("cannot be opened now") == 2
        assert "the director starts without its page" in said
        running = Place(tmp_path / "state")
        running.take()
        assert "cannot be opened" not in render(examine(str(ini)).problems)
        running.leave()
        assert "cannot be opened" not in render(examine(str(ini), offline=True).problems)


def test_what_layer_4_would_meet_on_interfaces_that_are_there(tmp_path: Path) -> None:
    """A server that will be this machine's own, once the virtual address is: seen before it happens."""
    asker: Any = None
    view = KernelView(asker, lambda _event: None)
    view.apply(KernelLink(1, "lo", b"", 65536, up=True, running=True))
    view.apply(KernelLink(2, "nowhere0", b"", 1500, up=True, running=False))
    view.apply(InterfaceAddress(2, ip_address("198.51.100.1").packed, 24))
    ini = tmp_path / "director.ini"
    ini.write_text(INI.replace("127.0.0.1:2", "198.51.100.10:8080"))
    loaded = examine(str(ini), offline=True)
    assert loaded.configuration is not None
    said = render(host._packet_problems(loaded, loaded.configuration, view))
    assert "interface nowhere0 is down now" in said
    assert "there is no interface nowhere0" not in said
    assert "198.51.100.10:8080: the server is this machine" in said
    assert "let it listen on 198.51.100.10:80, or put an [l7:…] service before it" in said
