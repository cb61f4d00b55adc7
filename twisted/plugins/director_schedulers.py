"""The schedulers that come with the director, as plug-ins; the list is `director/scheduling/builtin.py`."""

from director.plugins import SchedulerPlugin
from director.scheduling.builtin import BUILT_IN

for _one in BUILT_IN:
    # Twisted finds plug-ins among a module's attributes.
    vars()[f"scheduler_{_one.name.replace('-', '_')}"] = SchedulerPlugin(
        _one.name, _one.description, _one.location, _one.flags, _one.takes_argument
    )
