"""What of the settings holds from the start of the program, or of layer 4, to its end (composition)."""

from __future__ import annotations

import json
from typing import Any

from director.errors import ChangeRefused
from director.model.settings import Configuration, Settings
from director.model.virtual import L4Settings
from director.store.values import packed

AT_START = ("name", "state_dir", "workers", "log", "trace", "access_log")
"""What of `[director]` is read at the start only."""


def fixed_settings(settings: Settings) -> Any:
    """That of it which a process began with, as JSON; how many they are is known by their memory."""
    found = [packed(getattr(settings, name)) for name in AT_START if name != "workers"]
    return json.loads(json.dumps(found))


def refuse_what_is_fixed(began: L4Settings, desired: Configuration) -> None:
    """Raises ChangeRefused for what cannot change once layer 4 began with other settings."""
    if desired.l4 and _fixed(desired.l4_settings or L4Settings()) != _fixed(began):
        raise ChangeRefused(
            "EINVAL",
            "[l4] interfaces, engine, conn_tab_bits and max_flows are read when layer 4 starts; "
            "restart to change them",
        )


def _fixed(wanted: L4Settings) -> tuple[object, ...]:
    """What of `[l4]` cannot change under a running shell."""
    return wanted.interfaces, wanted.engine, wanted.conn_tab_bits, wanted.max_flows
