"""`script = send TEXT; expect TEXT; …`: what is said, and what must come, in order.

Each `expect` waits for its octets anywhere behind those of the one before.  A script of which all came
finds the server alive.
"""

from __future__ import annotations

from director.health.probes.base import Judgement, TalkProbe, shown
from director.model.pools import ScriptStep


class ScriptProbe(TalkProbe):
    """Goes through the steps; `answer` holds what came behind the last octets that were expected."""

    def __init__(self, steps: tuple[ScriptStep, ...]) -> None:
        super().__init__()
        self._steps = list(steps)

    def begin(self) -> bytes:
        """What is sent before anything is expected."""
        return self.read()

    def read(self) -> bytes:
        """Take the steps that can be taken now."""
        out = b""
        while self._steps:
            step = self._steps[0]
            if step.send:
                out += step.octets
            else:
                _, found, rest = self.answer.partition(step.octets)
                if not found:
                    return out
                self.answer = rest
            self._steps.pop(0)
        self.judgement = True, "all came that was expected"
        return out

    def closed(self) -> Judgement:
        """Say what was waited for."""
        if self.judgement is None:
            missing = next(step for step in self._steps if not step.send)
            came = f"; {shown(self.answer)} came" if self.answer else ""
            self.judgement = False, f"closed before {shown(missing.octets)}{came}"
        return self.judgement
