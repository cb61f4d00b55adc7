"""The place where the director's own framer is driven without sockets.

`judge(case)` feeds the segments of a case to the framer and says what it made of them: `seen` = requests
it accepted (fields as parsed, so `rewritten=False`), `statuses` = 200 per accepted request, then the status
of a refusal; `closed` = it will take no more.
"""

from __future__ import annotations

from tests.conformance.http.model import Judge

judge: Judge | None = None
