"""What a run would do, told before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quorate.bars.panel import Bars
from quorate.execution.progress import Clock, Progress
from quorate.recipe.schema import Recipe
from quorate.runs.doubts import facts_of
from quorate.runs.driving import read_bars
from quorate.runs.session import Session, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.walkforward import part as parts
from quorate.walkforward.layout import fold_facts, frequency_facts, holdout_start
from quorate.walkforward.members import Fitting
from quorate.walkforward.outlook import doubts


@dataclass(frozen=True)
class Plan:
    """What a run of a recipe would fit, and on what.

    Parameters
    ----------
    recipe : str
        Its name.
    data : dict
        How the bars are read: source, symbols, bars, frequency, first and last day, calendar, bars_per_year,
        volume, fingerprint.
    frequencies : list of dict
        Of each other frequency that features are on: ``frequency``, ``features``, ``bars``; ``lookback``, the most of
        these bars that one reads, ``longest``, which that is, and ``history``, the bars before its first value.
    holdout : dict
        ``start``, its first day, None if there is none; ``bars``, how many it has; ``symbols``, which are held out.
    folds : list of dict
        Of each fold before the holdout: days and rows that it trains on and predicts.
    fits : dict of str to int
        Fits per model, those on the splits of ``cpcv`` and those that are kept included.
    cached : int
        How many of all are kept from earlier runs.
    seconds : float
        What the others are thought to take, side by side.
    guessed : bool
        Whether no earlier fit of some model tells how long its fits take: then `seconds` is rough.
    executor : str
        What they would run on.
    workers : int
        How many at a time; 0: not known before a cluster is joined.
    warnings : list of str
        What the report would say, too: about the recipe, the bars, the rows.
    doubts : list of str
        What looks wrong with the folds, and by which settings it is mended.
    """

    recipe: str
    data: dict[str, Any]
    frequencies: list[dict[str, Any]]
    holdout: dict[str, Any]
    folds: list[dict[str, Any]]
    fits: dict[str, int]
    cached: int
    seconds: float
    guessed: bool
    executor: str
    workers: int
    warnings: list[str]
    doubts: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.plan import render

        return as_html(lambda: render(self.to_dict()))


@in_usual_surroundings
def plan(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
) -> Plan:
    """Say what a run would do: bars, folds, fits, and about how long these take. Nothing is fitted or stored.

    Parameters
    ----------
    recipe, home, plugins, overrides, progress
        As of `quorate.run`; the home tells which fits are kept, and how long such fits took.

    Raises
    ------
    QuorateError
        For anything that would stop the run before its first fit.
    """
    clock = Clock(progress or Progress())
    with clock.stage("recipe"):
        session = open_session(recipe, home=home, plugins=plugins, overrides=overrides, progress=clock.progress)
    with session.fitting(keep=True, start=False) as fitting:
        bars = read_bars(session, clock)
        laid = parts.lay_out_development(session.recipe, session.registry, bars, clock, fitting.arrays)
        return plan_of(session, bars, laid, fitting)


def plan_of(session: Session, bars: Bars, laid: parts.LaidOut, fitting: Fitting) -> Plan:
    """Return the plan of what was laid out."""
    expected = fitting.expect(laid.work)
    start = holdout_start(bars, session.recipe)
    return Plan(
        recipe=session.recipe.name,
        data={"source": session.recipe.data.source, **facts_of(bars, session.recipe)},
        frequencies=frequency_facts(laid.walk),
        holdout={
            "start": str(bars.sessions[start]) if start < len(bars) else None,
            "bars": len(bars) - start,
            **({"symbols": held_out} if (held_out := session.recipe.holdout.held_out) else {}),
        },
        folds=[{**fold_facts(laid.walk, fold), "test_bars": fold.stop - fold.first} for fold in laid.folds],
        **{**asdict(expected), "seconds": round(expected.seconds, 3)},
        warnings=[*session.warnings, *laid.walk.warnings],
        doubts=[*_of_holdout(bars, session.recipe), *doubts(laid.walk, laid.folds)],
    )


def _of_holdout(bars: Bars, recipe: Recipe) -> list[str]:
    """Return that the holdout begins after the bars, and what would mend it."""
    if recipe.holdout.start is None or holdout_start(bars, recipe) < len(bars):
        return []
    return [
        f"holdout.start is {recipe.holdout.start}, after the last bar, {bars.sessions[-1]}: for a holdout of a fifth "
        "of them, --set holdout.fraction=0.2"
    ]
