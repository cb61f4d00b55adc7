"""Who looks at pages in tests, and what they look at."""

from __future__ import annotations

from typing import Any

from director.admin import overview
from director.admin.api import Api
from director.admin.pages.viewer import Viewer
from director.admin.testing import MemoryControl
from tests.unit.admin import sample
from tests.unit.admin.wire import Admin

ADMIN = Viewer("edge-1", "secret", "ops", operates=True, administers=True)
OPERATOR = Viewer("edge-1", "secret", "ops", operates=True)
ONLOOKER = Viewer("edge-1", "secret", "eve")
BEARER = Viewer("edge-1", "", "a token", operates=True, administers=True)


def troubled() -> MemoryControl:
    """A director with traffic, and something wrong."""
    control = sample.control()
    sample.fill(control)
    sample.trouble(control)
    return control


def api(control: MemoryControl) -> Api:
    """What its pages are made of."""
    return Admin(control).api


def pool(control: MemoryControl, name: str) -> dict[str, Any]:
    """One pool's view."""
    context = api(control).context()
    return overview.pool(context.seen.pools[name], context)
