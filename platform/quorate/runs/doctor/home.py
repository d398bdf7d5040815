"""A home: whose it is, whether all in it is as it was written, what did not end, and what takes the room."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from quorate.errors import IntegrityError, QuorateError, StoreError, plural
from quorate.evidence.ledger import ledger_of
from quorate.evidence.ledger.verify import verify
from quorate.execution.cached import damaged_in, unused_in
from quorate.report.report import Report
from quorate.report.views.cache import size_text
from quorate.runs.doctor.finding import Finding, State
from quorate.runs.doctor.service import service
from quorate.runs.registering import ModelRegistry
from quorate.runs.sql_views import sealed
from quorate.store import Home, Run
from quorate.store.backup import last_backup
from quorate.store.checkpoints import KeptCheckpoints
from quorate.store.kept import KeptArrays, KeptFiles
from quorate.store.models import KeptModels
from quorate.store.plain import WRITTEN
from quorate.store.trust import is_trusted

Kept = partial(Finding, "home")
NAMED = 3  # of several that are named
MONTH = 30 * 86400.0  # seconds after which what was not used may be pruned
OLD = 30  # days after which a backup is old
MUCH = 10**9  # bytes that are worth pruning
BACK = 1.0  # seconds by which entries of two processes may be out of order
# Where the room goes, by the folders of a home.
KINDS = ("runs", "sweeps", "fits", "models", "checkpoints", "kept", "bars", "store", "ledger", "registry", "forward")


@dataclass
class Looked:
    """What was read on the way: the reports of finished runs, oldest first."""

    reports: list[Report] = field(default_factory=list)


def parts_of(home: Home, looked: Looked) -> list[Callable[[], Iterable[Finding]]]:
    """Return what looks at the parts of a home, in order; each may fail without harm to the others."""
    if not home.path.is_dir():
        return [lambda: [Kept("place", "ok", f"there is no home at {home.path} yet: the first run makes it")]]
    return [
        lambda: [_trusted(home), _writable(home)],
        lambda: _ledger(home),
        lambda: _registry(home),
        lambda: _kept(home),
        lambda: _runs(home, looked),
        lambda: service(home),
        lambda: [_left_over(home), _sizes(home), _prunable(home), _backup(home)],
    ]


def _trusted(home: Home) -> Finding:
    if is_trusted(home.path):
        return Kept("place", "ok", f"{home.path}, made or trusted by you")
    remedy = "look at what is in it; if you trust it, give --trust once to a command that asks for that"
    return Kept("place", "note", f"{home.path} comes from elsewhere: plugin files of its runs are not run", remedy)


def _writable(home: Home) -> Finding:
    parts = [home.path, *(home.path / name for name in WRITTEN)]
    shut = [path for path in parts if path.exists() and not os.access(path, os.W_OK)]
    if os.statvfs(home.path).f_flag & os.ST_RDONLY:
        return Kept("writable", "mend", f"{home.path} is on a disk that can only be read", "--home on another disk")
    if shut:
        told = f"{_some([str(path) for path in shut])} cannot be written by this user"
        return Kept("writable", "mend", told, f"chown -R {os.getuid()} {home.path}, or another --home")
    return Kept("writable", "ok", "all parts can be written")


def _ledger(home: Home) -> Iterator[Finding]:
    found = verify(home)
    if not found.sound:
        more = f", and {len(found.problems) - 1} more" if len(found.problems) > 1 else ""
        remedy = f"quorate ledger verify{home.option} has all; restore the ledger from a backup: quorate restore"
        yield Kept("ledger", "mend", f"{found.problems[0]}{more}", remedy)
        return
    yield Kept("ledger", "ok", f"{found.entries:,} entries hold, and what {plural(found.runs, 'run')} saw of them")
    if found.torn:
        told = f"{found.torn:,} bytes at its end are of a write that was cut off"
        yield Kept("ledger", "note", told, "nothing: the next entry sets them aside")
    times = [dt.datetime.fromisoformat(entry["time"]) for entry in ledger_of(home).entries() if entry.get("time")]
    back = [(b, a) for a, b in pairwise(times) if (a - b).total_seconds() > BACK]
    ahead = (times[-1] - dt.datetime.now(dt.UTC)).total_seconds() if times else 0.0
    if ahead > BACK:
        told = f"the ledger's last entry is of {times[-1]:%Y-%m-%d %H:%M} UTC, which is still to come"
        yield Kept("clock", "mend", told, "set the clock: runs are in the order of time, and ids would go back")
    elif back:
        told = f"it went back {plural(len(back), 'time')} by the ledger, the last to {back[-1][0]:%Y-%m-%d %H:%M} UTC"
        yield Kept("clock", "note", told, "have the time kept by NTP")


def _registry(home: Home) -> Iterator[Finding]:
    registry = ModelRegistry(home.path)
    try:
        names = [f"{one['name']}@{one['version']}" for one in registry.versions().to_dict("records")]
    except IntegrityError:  # told of the ledger
        yield Kept("registry", "note", "cannot be looked at while the ledger does not hold", "mend the ledger first")
        return
    sound = 0
    for name in names:
        try:
            wrong = registry.check(name)
        except QuorateError as e:
            wrong = [str(e)]
        if wrong:
            remedy = "restore it from a backup: quorate restore; or retire it: quorate registry stage"
            yield Kept(f"version {name}", "mend", _some(wrong), f"{remedy} {name} retired{home.option}")
        sound += not wrong
    if sound or not names:
        yield Kept("registry", "ok", f"files of {plural(sound, 'version')} are as they were" if names else "no version")


def _kept(home: Home) -> Iterator[Finding]:
    remedy = f"quorate cache verify{home.option} removes them; they are computed again when asked for"
    fits = _fits(home)
    try:
        total, broken = damaged_in(fits)
    except QuorateError as e:
        yield Kept("fits", "mend", str(e), f"the next run sets it aside, and takes from it what is sound{home.option}")
    else:
        told = f"{broken:,} of {plural(total, 'finished fit')} damaged" if broken else f"{total:,} finished, all sound"
        yield Kept("fits", "mend" if broken else "ok", told, remedy if broken else "")
    for aside in sorted(fits.parent.glob(f"damaged-*-{fits.name}")):
        yield Kept("fits", "note", f"{aside} was damaged, and set aside", f"rm '{aside}'*, once nobody wants it")
    for what, word, files in _files(home):
        broken = len(files.damaged())
        told = f"{broken:,} of {plural(len(files), word)} damaged" if broken else f"{len(files):,}, all sound"
        if len(files):
            yield Kept(what, "mend" if broken else "ok", told, remedy if broken else "")


def _fits(home: Home) -> Path:
    return home.path / "fits" / "fits.sqlite"


def _files(home: Home) -> list[tuple[str, str, KeptFiles]]:
    return [
        ("models", "fitted model", KeptModels(home.path)),
        ("arrays", "array", KeptArrays(home.path, write=False)),
        ("checkpoints", "unfinished training", KeptCheckpoints(home.path)),
    ]


def _runs(home: Home, looked: Looked) -> Iterator[Finding]:
    states: dict[str, list[Run]] = {}
    for run in home.runs_and_sweeps():
        states.setdefault(run.state, []).append(run)
    for run in states.get("finished", ()):
        try:
            if run.kind == "run":
                looked.reports.append(sealed(run))
            else:
                run.report()
        except QuorateError as e:
            remedy = f"restore it from a backup: quorate restore; or remove its folder {run.path}"
            yield Kept(f"{run.kind} {run.id}", "mend", str(e), remedy)
    for run in states.get("damaged", ()):
        told = "a link or a pipe is where one of its files should be"
        yield Kept(f"{run.kind} {run.id}", "mend", told, f"remove it from {run.path}, or restore what was there")
    for state in ("interrupted", "failed"):
        if runs := states.get(state, []):
            last = runs[-1]
            reason = f": {last.failure.splitlines()[-1]}" if last.failure else ""
            told = f"{plural(len(runs), 'run')} or sweep{'s' * (len(runs) > 1)}, the last {last.id}{reason}"
            yield Kept(state, "note", told, last.resume_command)
    done = len(states.get("finished", ()))
    yield Kept("runs", "ok", f"{done:,} finished, {len(states.get('running', ())):,} going on")


def _left_over(home: Home) -> Finding:
    left = home.left_over()
    if left:
        told = f"{plural(len(left), 'file')} of writes that were killed, e.g. {left[0]}"
        return Kept("left over", "note", told, "nothing: the next run removes them")
    return Kept("left over", "ok", "nothing of writes that were killed")


def _sizes(home: Home) -> Finding:
    sizes = {name: _size(home.path / name) for name in KINDS}
    told = ", ".join(f"{name} {size_text(size)}" for name, size in sorted(sizes.items(), key=lambda p: -p[1]) if size)
    return Kept("size", "ok", told or "nothing is kept yet")


def _size(folder: Path) -> int:
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                told = os.lstat(os.path.join(at, name))
                total += told.st_size if stat.S_ISREG(told.st_mode) else 0
    return total


def _prunable(home: Home) -> Finding:
    fits = 0
    with suppress(StoreError):  # told of the fits
        fits = unused_in(_fits(home), MONTH)
    size = fits + sum(files.unused(MONTH) for _, _, files in _files(home))
    told = f"cache prune --older-than 30d would free {size_text(size)}"
    state: State = "note" if size > MUCH else "ok"
    return Kept("prune", state, told, f"quorate cache prune --older-than 30d{home.option}" if size > MUCH else "")


def _backup(home: Home) -> Finding:
    last = last_backup(home)
    command = f"quorate backup PLACE{home.option}"
    if last is None:
        return Kept("backup", "note", "none was made from here that is known", command)
    at, place = last
    days = (dt.datetime.now(dt.UTC) - at).days
    told = f"{plural(days, 'day')} ago, to {place}" if days > 0 else f"today, to {place}"
    if days > OLD:
        return Kept("backup", "note", told, f"quorate backup {place}{home.option}")
    return Kept("backup", "ok", told)


def _some(lines: list[str]) -> str:
    more = f", and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return "; ".join(lines[:NAMED]) + more
