"""Built-in alerts: who is told what became of a run, a sweep or a promotion."""

from __future__ import annotations

from collections.abc import Iterator

import quorate


@quorate.hookimpl
def quorate_alerts() -> Iterator[quorate.AlertSpec]:
    """Yield the built-in alerts."""
    yield quorate.AlertSpec(
        "log",
        f"{__name__}.files:log",
        description="a line of JSON in alerts.jsonl of the home, or of yours",
    )
    yield quorate.AlertSpec("file", f"{__name__}.files:file", description="a few lines at the end of a file")
    yield quorate.AlertSpec("webhook", f"{__name__}.webhook:webhook", description="JSON, sent to an address by POST")
    yield quorate.AlertSpec("email", f"{__name__}.mail:email", description="a mail, by way of a server of yours")
