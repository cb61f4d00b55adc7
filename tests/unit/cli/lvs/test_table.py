from __future__ import annotations

from director.cli.lvs.table import Destination, IpvsService, IpvsTable, KernelError
from director.model.pools import Forward
from director.model.virtual import Virtual
from tests.support.lvs_table import RecordingTable


def test_defaults_are_those_of_the_tool() -> None:
    """`lvs-semantics` I.1: wlc, -g, weight 1, no thresholds."""
    service, server = IpvsService(Virtual("tcp", "192.0.2.1", 80)), Destination("10.0.0.1", 80)
    assert (service.scheduler, service.persistent, service.ops) == ("wlc", None, False)
    assert (server.forward, server.weight, server.upper, server.lower) == (Forward.DR, 1, 0, 0)


def test_an_error_says_its_code_when_there_are_no_better_words() -> None:
    assert (KernelError("ESRCH").code, str(KernelError("ESRCH"))) == ("ESRCH", "ESRCH")
    assert str(KernelError("EINVAL", "weight: too large")) == "weight: too large"


def test_the_recording_table_is_one() -> None:
    table: IpvsTable = RecordingTable()
    assert table.services() == ()
