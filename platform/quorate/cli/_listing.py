"""What the smaller commands print."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import QuorateError, RecipeError, near_misses, one_of
from quorate.plugins.registry import Registry
from quorate.plugins.specs import KINDS
from quorate.report import console

if TYPE_CHECKING:
    from quorate.runs.predict import Prediction
    from quorate.runs.reproduce import Reproduction


def print_json(value: Any) -> None:
    """Print plain data."""
    print(json.dumps(value, indent=1, allow_nan=False))


def plugins(kind: str | None, files: Sequence[Path], as_json: bool) -> None:
    """Print the registry."""
    if kind is not None and kind not in KINDS:
        raise RecipeError(f"--kind must be one of {one_of(KINDS)}; it was {kind!r}{near_misses(kind, KINDS)}")
    rows = [
        {
            "name": p.name,
            "kind": p.kind,
            "version": p.provider.version or "",
            "origin": p.provider.origin,
            "state": p.state,
            "reason": p.reason,
            "description": p.spec.description if p.spec else "",
        }
        for p in Registry.load(files)
        if kind in (None, p.kind) or p.state == "broken"
    ]
    if as_json:
        print_json(rows)
        return
    target = console.out()
    wide = target.width >= 110
    columns = [("kind", "left"), ("name", "left"), ("version", "left"), ("state", "left"), ("origin", "left")]
    cells = [
        [
            r["kind"],
            r["name"],
            r["version"] or "file",
            f"{r['state']}: {r['reason']}" if r["reason"] else r["state"],
            r["origin"],
            *([r["description"]] if wide else []),
        ]
        for r in rows
    ]
    target.print(console.table([*columns, *([("what it is", "left")] if wide else [])], [cells]))


def recipe(name: str, overrides: Sequence[str], files: Sequence[Path], as_json: bool) -> None:
    """Print a resolved recipe."""
    from quorate.execution.progress import Progress
    from quorate.recipe.resolve import to_plain, to_toml
    from quorate.runs.session import open_session

    class Told(Progress):
        def warn(self, message: str) -> None:
            console.err().print(f"warning: {message}", markup=False)

    session = open_session(name, plugins=files, overrides=overrides, progress=Told())
    if as_json:
        print_json(to_plain(session.recipe))
    else:
        print(to_toml(session.recipe, session.registry), end="")


def runs(home: Path | None, as_json: bool) -> None:
    """Print the stored runs."""
    from quorate.report.report import Report
    from quorate.store import Home

    rows = []
    for run in Home(home).runs():
        row: dict[str, Any] = {"run": run.id, "state": run.state, "verdict": None, "holdout": None, "sharpe": None}
        if run.state == "finished":
            try:
                report = Report(run.report(), run)
                row["verdict"] = report.results["development"]["verdict"]
                row["holdout"] = (report.results["holdout"] or {}).get("verdict")
                row["sharpe"] = report.standing["series"][0]["metrics"]["sharpe"]
            except (QuorateError, KeyError, TypeError) as e:
                row["state"] = f"unreadable: {e}"
        rows.append(row)
    if as_json:
        print_json(rows)
        return
    # A run that is not finished has its state where the others have their verdict.
    columns = [("run", "left"), ("verdict", "left"), ("holdout", "left"), ("Sharpe", "right")]
    cells = [
        [
            r["run"],
            console.verdict_text(r["verdict"] or r["state"], short=True),
            console.verdict_text(r["holdout"] or ("closed" if r["verdict"] else "-"), short=True),
            "-" if r["sharpe"] is None else f"{r['sharpe']:.2f}",
        ]
        for r in rows
    ]
    if not rows:
        console.err().print(f"no runs in {Home(home).path}: start one, e.g. quorate run planted", markup=False)
        return
    console.out().print(console.table(columns, [cells]))


def reproduction(result: Reproduction, as_json: bool) -> None:
    """Print what came of running a run again."""
    if as_json:
        print_json({**asdict(result), "identical": result.identical})
        return
    target = console.out()
    verdict = "identical" if result.identical else "DIFFERENT"
    target.print(f"{result.run}: [bold]{verdict}[/bold]", style="green" if result.identical else "red")
    target.print(
        f"{result.predictions:,} predictions compared bit for bit: {result.differing:,} differ"
        + (f", at most by {result.largest:.3g}" if result.differing else "")
    )
    target.print(f"{len(result.differences)} other numbers differ")
    for line in result.differences[:20]:
        target.print(f"  {line}", markup=False)
    for line in result.versions:
        target.print(f"changed since: {line}", markup=False)


def prediction(result: Prediction, as_json: bool) -> None:
    """Print the next desired weights."""
    if as_json:
        print_json(asdict(result))
        return
    target = console.out()
    target.print(
        f"decided at {result.decided} for the next bar's {result.fill}; {result.train_rows:,} training rows; "
        f"threshold {result.threshold:g}"
    )
    members = list(result.weights)
    columns = [("symbol", "left"), ("weight", "right"), ("score", "right"), ("ensemble", "right")]
    rows = [
        [t["symbol"], f"{t['weight']:+.4f}", f"{t['score']:+.4f}", f"{t['prediction']:.4f}"] for t in result.targets
    ]
    target.print(console.table(columns, [rows]))
    cells = [
        [m, _figure(result.weights[m], ".1%"), *(_figure(t["members"][m]) for t in result.targets[:6])] for m in members
    ]
    target.print(
        console.table(
            [("member", "left"), ("weight", "right"), *((t["symbol"], "right") for t in result.targets[:6])], [cells]
        )
    )
    if result.verdict != "PASS":
        console.err().print(f"note: the verdict on this ensemble is {result.verdict}; it has not earned promotion")


def _figure(value: float | None, form: str = ".4f") -> str:
    return "-" if value is None or math.isnan(value) else format(value, form)
