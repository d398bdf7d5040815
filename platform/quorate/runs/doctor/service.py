"""What goes on by itself in a home: its layout, who shares it, what is scheduled, and what is served."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from quorate.errors import reason_of
from quorate.runs.doctor.finding import Finding
from quorate.runs.served import most_served
from quorate.runs.upgrading import needed
from quorate.store import Home, schedules
from quorate.store.sharing import shared_with

Kept = partial(Finding, "home")
BUSY = 100  # forecasts a second, beyond which several servers are advised


def service(home: Home) -> Iterator[Finding]:
    """Yield what of it is worth knowing."""
    steps = [step for step in needed(home) if step.name != "layout"]
    if steps:
        remedy = f"quorate home upgrade{home.option}"
        yield Kept("layout", "note", f"of an earlier version: {'; '.join(step.told for step in steps)}", remedy)
    if group := shared_with(home.path):
        yield Kept("shared", "ok", f"with the group {group}")
    yield from _scheduled(home)
    yield from _served(home)


def _scheduled(home: Home) -> Iterator[Finding]:
    last = {one["key"]: one for one in schedules.done(home.path)}
    now = dt.datetime.now(dt.UTC)
    for one in schedules.every(home.path):
        try:
            yield _looked_at(home, one, last.get(one["key"]), now)
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            told = f"damaged: {reason_of(e)}"
            yield Kept(f"schedule {one.get('key')}", "mend", told, "quorate schedule install writes it anew")


def _looked_at(home: Home, one: dict[str, Any], done: dict[str, Any] | None, now: dt.datetime) -> Finding:
    what = f"schedule {one['preset']} {one['recipe'].rpartition('/')[2]}"
    told = f"by {one['by']}, {one['at']}, next {one['next'][:16].replace('T', ' ')} UTC; {_last(done)}"
    if now - dt.datetime.fromisoformat(one["next"]) > dt.timedelta(hours=2):  # cron looks each hour
        look = "systemctl --user list-timers; loginctl enable-linger" if one["by"] == "systemd" else "crontab -l"
        return Kept(what, "mend", f"missed: {told}", f"see whether it is started: {look}")
    if done and done["exit"] not in (0, 10, 11):
        return Kept(what, "note", told, f"quorate alerts{home.option}")
    return Kept(what, "ok", told)


def _last(done: dict[str, Any] | None) -> str:
    if done is None:
        return "not done yet"
    return f"last {done['began'][:16].replace('T', ' ')} UTC, exit {done['exit']}: {done['told']}"


def _served(home: Home) -> Iterator[Finding]:
    if (most := most_served(home)) is None:
        return
    told = f"{most:,.0f} forecasts were given in one second at most"
    if most > BUSY:
        yield Kept("served", "note", f"{told}, more than {BUSY}: several servers share them", "quorate serve --ray")
    else:
        yield Kept("served", "ok", told)
