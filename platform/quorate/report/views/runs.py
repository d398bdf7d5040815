"""The runs of a home: on what, how each ended, and how it was judged."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from quorate.errors import QuorateError, RecipeError, near_misses, one_of, plural, reason_of
from quorate.evidence.verdict import overall
from quorate.report import console
from quorate.report.report import Report
from quorate.store import Run
from quorate.store.label import Label, default_name, read_label

WIDE, WIDEST = 100, 124  # columns from which on times, and paths and ids, are written out
NAMED, NAME = 112, 40  # from which on names have a column, and how much of it they take
SORTS = ("begun", "sharpe", "verdict")
VERDICTS = ("PASS", "INSUFFICIENT", "FAIL", "")  # best first
SYMBOLS = 3  # that are named


def listed(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return runs as plain data: recipe, data, state, both verdicts, the Sharpe ratio of the judged series.

    ``reason`` is why a run failed or cannot be read, empty for all others; ``name``, ``tags`` and ``note`` are what
    people say of it, the name by default its recipe's and what was changed in that.
    """
    return [row_of(run) for run in runs]


def row_of(run: Run, report: Report | None = None) -> dict[str, Any]:
    """Return a run as `listed` does; `report`: its own, where it was read already."""
    row: dict[str, Any] = {
        "run": run.id, "recipe": None, "source": None, "data": None, "state": run.state,
        "verdict": None, "holdout": None, "sharpe": None, "reason": "", "name": "", "tags": [], "note": "",
    }  # fmt: skip
    try:
        if run.state == "finished":
            report = report or Report(run.report(), run)
            row |= _on_what(report.provenance["recipe"], report.provenance["data"]["symbols"])
            row["verdict"] = report.results["development"]["verdict"]
            row["holdout"] = (report.results["holdout"] or {}).get("verdict")
            row["sharpe"] = report.standing["series"][0]["metrics"]["sharpe"]
        elif run.begun_at:
            row |= _on_what(run.begun()["recipe"], ())
    except (QuorateError, LookupError, TypeError, AttributeError) as e:
        told = str(e) if isinstance(e, QuorateError) else f"its report is not what quorate writes: {reason_of(e)}"
        row["state"], row["reason"] = "unreadable", told
    if row["state"] in ("failed", "damaged"):
        row["reason"] = run.failure
    return {**row, **_said(run, row)}


def _said(run: Run, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a run; that this cannot be read makes the run no worse."""
    try:
        label, told = read_label(run), {}
    except QuorateError as e:
        label, told = Label(), {"reason": row["reason"] or str(e)}
    name = label.name or (default_name(run, row["recipe"]) if row["recipe"] else "")
    return {**told, "name": name, "tags": list(label.tags), "note": label.note}


def chosen(
    rows: Sequence[Mapping[str, Any]],
    *,
    tags: Iterable[str] = (),
    recipe: str | None = None,
    verdict: str | None = None,
    find: Iterable[str] = (),
    sort: str = "begun",
    limit: int = 0,
) -> list[Mapping[str, Any]]:
    """Return those of the listed runs that have all tags, are of a recipe, ended so, and have all words somewhere.

    By when they were ``begun``, oldest first, or by ``sharpe`` or ``verdict``, best first; of these the newest, or
    best, `limit`, or all where that is 0.

    Raises
    ------
    RecipeError
        If there is no such order or verdict.
    """
    _one_of("sort", sort, SORTS)
    if verdict is not None:
        _one_of("verdict", verdict, VERDICTS[:-1])
    words = [word.casefold() for word in find]
    found = [
        row
        for row in rows
        if set(tags) <= set(row["tags"]) and recipe in (None, row["recipe"]) and verdict in (None, _ended(row))
        if all(word in _said_of(row) for word in words)
    ]
    if sort == "begun":
        return found[-limit:] if limit else found
    if sort == "sharpe":
        found.sort(key=lambda row: -math.inf if row["sharpe"] is None else row["sharpe"], reverse=True)
    else:
        found.sort(key=lambda row: VERDICTS.index(_ended(row)))
    return found[:limit] if limit else found


def _said_of(row: Mapping[str, Any]) -> str:
    """Return all that is known of a run, to find words in."""
    told = [row[name] or "" for name in ("run", "name", "recipe", "source", "data", "state", "note", "reason")]
    return " ".join([*told, *row["tags"], _ended(row)]).casefold()


def _one_of(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise RecipeError(f"{option} must be one of {one_of(known)}; it was {value!r}{near_misses(value, known)}")


def _ended(row: Mapping[str, Any]) -> str:
    """Return the verdict of a run: of the development, and of the holdout once it was opened."""
    verdicts = [str(row[part]) for part in ("verdict", "holdout") if row[part]]
    return overall(verdicts) if verdicts else ""


def render_label(label: Mapping[str, Any]) -> None:
    """Print what is said of a run."""
    rows = [("name", label["name"]), ("tags", ", ".join(label["tags"])), ("note", label["note"])]
    console.out().print(console.facts([("run", label["run"]), *((key, text or "-") for key, text in rows)]))


def _on_what(recipe: Mapping[str, Any], symbols: Sequence[str]) -> dict[str, Any]:
    data = recipe["data"]
    asked = data.get("symbols") or data.get("symbol") or ()
    names = list(symbols) or ([asked] if isinstance(asked, str) else list(asked))
    more = f" and {len(names) - SYMBOLS:,} more" if len(names) > SYMBOLS else ""
    told = data.get("path") or data.get("dataset") or ", ".join(names[:SYMBOLS]) + more
    return {"recipe": recipe["name"], "source": data["source"], "data": str(told)}


def render(rows: Sequence[Mapping[str, Any]], home: Path, of: int) -> None:
    """Print runs, one a line, `of` so many; one that is not finished has its state where the others have a verdict."""
    if of and not rows:
        console.err().print(f"none of the {plural(of, 'run')} in {home} is like that", markup=False)
        return
    if not rows:
        console.err().print(f"no runs in {home}: start one, e.g. quorate run planted", markup=False)
        return
    target = console.out()
    target.print(console.listing(columns(target.width), [rows], target.width))
    told = [(_short(row["run"]), _why(row)) for row in rows if row["verdict"] is None]
    told += [(_short(row["run"]), _remark(row, target.width)) for row in rows]
    if told := [(name, text) for name, text in told if text]:
        target.print(console.facts(told))
    count = plural(len(rows), "run") if len(rows) == of else f"{len(rows):,} of {plural(of, 'run')}"
    told_of = f"{count} in {home}; a part of its id names a run"
    target.print(told_of, style="bright_black", markup=False)


def columns(width: int) -> list[console.Column]:
    """Return the columns of a list of runs."""
    room = NAME if width < WIDEST else 2 * NAME

    def when(row: Mapping[str, Any]) -> str:
        found = re.match(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)", row["run"])
        return "-".join(found.groups()[:3]) + (f" {found[4]}:{found[5]}" if width >= WIDE else "") if found else ""

    def on(row: Mapping[str, Any]) -> str:
        data = row["data"] or ""
        return data if width >= WIDEST else Path(data).name

    def verdict(row: Mapping[str, Any]) -> str | console.Text:
        return console.verdict_text(row["verdict"] or row["state"], short=True)

    def holdout(row: Mapping[str, Any]) -> str | console.Text:
        return console.verdict_text(row["holdout"] or ("closed" if row["verdict"] else "-"), short=True)

    return [
        ("begun", "left", 0, when),
        ("run", "left", 0, lambda row: _short(row["run"])),
        ("source", "left", 72, lambda row: row["source"] or ""),
        ("data", "left", 0, on),
        ("name", "left", NAMED, lambda row: shorten(row["name"].replace(" models.", " "), room, placeholder=" ...")),
        ("verdict", "left", 0, verdict),
        ("holdout", "left", 72, holdout),
        ("Sharpe", "right", 0, lambda row: console.figure(row["sharpe"], ".2f")),
    ]


def _short(run: str) -> str:
    """Return the end of a run's id, which other commands take: what begins it stands beside it."""
    return re.sub(r"^\d{8}T\d{6}\.\d+-", "", run)


def _called(row: Mapping[str, Any]) -> bool:
    """Whether a run is called otherwise than by its recipe, whose name is in its id."""
    return row["name"] not in ("", row["recipe"])


def _remark(row: Mapping[str, Any], width: int) -> str:
    """Return what is said of a run and has no room in the table."""
    named = row["name"] if width < NAMED and _called(row) else ""
    tags = ", ".join(row["tags"])
    unread = row["reason"] if row["verdict"] else ""  # its label; the reasons of others are told already
    return "; ".join(text for text in (named, f"tags: {tags}" if tags else "", row["note"], unread) if text)


def _why(row: Mapping[str, Any]) -> str:
    if row["reason"]:
        return f"{row['state']}: {row['reason'].splitlines()[0]}"
    return f"to go on: quorate resume {_short(row['run'])}" if row["state"] in ("interrupted", "failed") else ""
