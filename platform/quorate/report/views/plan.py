"""What a run would do, or is about to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report import console
from quorate.report.covariates import covariate_text, reference_text

SHOWN = 12  # folds, one a line; of more the first and the last
ENDS = 5
SHORT = 10.0  # seconds: below it, starting processes and importing libraries take as long


def render(plan: Mapping[str, Any], target: console.Console | None = None) -> None:
    """Print a plan: what is read, the folds with their dates, the fits, and what looks wrong."""
    target = target or console.out()
    data, holdout = plan["data"], plan["holdout"]
    names = ", ".join(data["symbols"][:4])
    more = f" and {len(data['symbols']) - 4:,} more" if len(data["symbols"]) > 4 else ""
    start = holdout["start"]
    rows = [
        ("recipe", plan["recipe"]),
        ("data", f"{names}{more} from {data['source']}"),
        ("bars", f"{data['bars']:,} x {data['frequency']}, {data['first']} to {data['last']}"),
        ("a year", f"{data['bars_per_year']:g} bars, calendar {data['calendar']}"),
        *((f"at {one['frequency']}", at_frequency_text(one, data["frequency"])) for one in plan.get("frequencies", ())),
        *((f"covariate {one['name']}", covariate_text(one)) for one in data.get("covariates", ())),
        *((one["table"], reference_text(one)) for one in data.get("references", ())),
        ("holdout", f"{plural(holdout['bars'], 'bar')} from {start} on, not read" if start else "none"),
        *([("held out", held_out_text(held))] if (held := holdout.get("symbols")) else ()),
        ("folds", folds_text(plan["folds"])),
        ("fits", fits_text(plan)),
        ("per model", ", ".join(f"{name} {count:,}" for name, count in sorted(plan["fits"].items()))),
        ("time", time_text(plan)),
    ]
    target.print(console.facts(rows))
    target.print(_folds(plan["folds"], target.width))
    for line in (*plan["warnings"], *plan["doubts"]):
        target.print(f"[yellow]warning[/yellow] {console.escape(line)}")
    target.print("[bright_black]nothing was fitted or stored[/bright_black]")


def line(plan: Mapping[str, Any]) -> str:
    """Return what is about to be done in a line."""
    return f"{folds_text(plan['folds'])}; {fits_text(plan)}; {time_text(plan)}"


def held_out_text(names: Sequence[str]) -> str:
    """Return which symbols no model learns from."""
    told = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return f"{plural(len(names), 'symbol')} that nothing is learnt from: {told}"


def at_frequency_text(facts: Mapping[str, Any], own: str) -> str:
    """Return how many features are on bars of a frequency of their own, and what history they need."""
    return (
        f"{plural(facts['features'], 'feature')} on {plural(facts['bars'], 'bar')}; {facts['longest']} reads "
        f"{facts['lookback']}: known after {plural(facts['history'], 'bar')} of {own}"
    )


def folds_text(folds: Sequence[Mapping[str, Any]]) -> str:
    """Return how many folds there are, how long they are, and which days they predict."""
    lengths = [fold["test_bars"] for fold in folds]
    usual = max(lengths)
    of = f" of {plural(usual, 'bar')}" if min(lengths[:-1] or lengths) == usual else f" of up to {usual:,} bars"
    last = f", the last of {lengths[-1]:,}" if lengths[-1] != usual and len(folds) > 1 else ""
    return f"{plural(len(folds), 'fold')}{of}{last}, {folds[0]['test_first']} to {folds[-1]['test_last']}"


def fits_text(plan: Mapping[str, Any]) -> str:
    """Return how many fits there are, and how many are kept from before."""
    cached = plan["cached"]
    total = sum(plan["fits"].values())
    kept = f", {'all' if cached == total else f'{cached:,}'} of them kept from before" if cached else ""
    return f"{plural(len(plan['fits']), 'model')}, {plural(total, 'fit')}{kept}"


def time_text(plan: Mapping[str, Any]) -> str:
    """Return about how long the fits take, on what, and how good a guess that is."""
    if plan["cached"] == sum(plan["fits"].values()):
        return "nothing to fit"
    if not plan["workers"]:
        return f"about {console.duration(plan['seconds'])} of processor time on {plan['executor']}"
    workers = plan["workers"]
    at = f"on {plan['executor']} ({plural(workers, 'worker')})" if workers > 1 else "one after the other"
    rough = " (a rough guess: not all of these models were fitted in this home)" if plan["guessed"] else ""
    long = f"about {console.duration(plan['seconds'])}" if plan["seconds"] >= SHORT else "some seconds"
    return f"{long} {at}{rough}"


def _folds(folds: Sequence[Mapping[str, Any]], width: int) -> Any:
    columns: list[console.Column] = [
        ("fold", "right", 0, lambda fold: str(fold["fold"])),
        ("trained on", "right", 80, lambda fold: f"{fold['train_first']}..{fold['train_last']}"),
        ("rows", "right", 0, lambda fold: f"{fold['train_rows']:,}"),
        ("tested", "right", 0, lambda fold: f"{fold['test_first']}..{fold['test_last']}"),
        ("bars", "right", 0, lambda fold: f"{fold['test_bars']:,}"),
    ]
    groups = [folds] if len(folds) <= SHOWN else [folds[:ENDS], folds[-ENDS:]]
    return console.listing(columns, groups, width)
