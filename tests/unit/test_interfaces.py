from __future__ import annotations

from zope.interface.interface import Method

from director.interfaces import IKey, IScheduler, ISchedulerPlugin, IServer


def test_a_scheduler_lives_as_in_ipvs() -> None:
    """init_service, add_dest, del_dest, upd_dest, schedule, done_service: include/net/ip_vs.h."""
    assert set(IScheduler.names()) == {
        "start",
        "server_added",
        "server_removed",
        "server_updated",
        "choose",
        "stop",
    }
    choose = IScheduler.get("choose")
    assert isinstance(choose, Method)
    assert choose.getSignatureInfo()["positional"] == ("servers", "key", "now")


def test_a_scheduler_only_reads_servers() -> None:
    assert not [name for name in IServer.names() if isinstance(IServer.get(name), Method)]


def test_facts_that_need_looking_up_are_methods() -> None:
    methods = {name for name in IKey.names() if isinstance(IKey.get(name), Method)}
    assert methods == {"header", "cookie", "query", "group"}


def test_a_declaration_is_data() -> None:
    assert set(ISchedulerPlugin.names()) == {"name", "description", "location", "flags", "takes_argument"}
