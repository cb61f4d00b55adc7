"""What of `[l4]` holds from the start of layer 4 to its end (composition)."""

from __future__ import annotations

from director.errors import ChangeRefused
from director.model.settings import Configuration
from director.model.virtual import L4Settings


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
