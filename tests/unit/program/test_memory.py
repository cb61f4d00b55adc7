from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from director.program.memory import settle_memory
gc.freeze(); gc.unfreeze()
settle_memory()
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0], gc.isenabled())
"""


def test_what_is_there_is_not_looked_at_again_and_cycles_of_later_are() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert told == "True 20000 True\n"
