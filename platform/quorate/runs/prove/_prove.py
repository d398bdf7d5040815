"""Asking for as many surrogates as it takes, in several processes, and keeping what they came to."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from quorate.bars.held_out import without
from quorate.bars.panel import Bars
from quorate.errors import StoreError
from quorate.evidence.evidence import Tried
from quorate.evidence.ledger import count, effective, ledger_of, looks
from quorate.evidence.result import finite_or_none
from quorate.execution.progress import Progress
from quorate.plugins.registry import Registry
from quorate.recipe.canonical import digest
from quorate.recipe.digest import recipe_digest
from quorate.recipe.schema import Recipe
from quorate.runs.audit import pipeline_key
from quorate.runs.held_out import hold_out
from quorate.runs.loading import load_bars
from quorate.runs.prove import power
from quorate.runs.prove.draw import COSTS, YEARS, Bench, Case, Drawn, asked, judged, lean
from quorate.runs.prove.forecast import MOST, correlation_of
from quorate.runs.prove.market import block_of
from quorate.runs.session import Session, open_session
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store.files import write_json
from quorate.walkforward.layout import holdout_start, spans_of

VERSION = 3
DRAWS = 60
STEPS = (0.0, 2.0, 3.0, 4.0, 6.0, 9.0)  # strengths; those beyond the first that is certified are left out
TOLD = 10

Judge = Callable[[Sequence[Case], str], Iterator[Drawn]]


@dataclass(frozen=True)
class Proof:
    """What a recipe could prove on bars like these.

    Parameters
    ----------
    recipe, key : str
        Name, and the hash of all that the answer depends on.
    data : dict
        ``fingerprint``, ``first`` and ``last`` day, ``bars``, how many of them lie in the ``holdout``, mean
        ``block`` of the surrogates in bars.
    draws : int
        Surrogates per strength; of a remedy as many, or fewer: those that show that it is not enough.
    trials : dict
        ``n`` and ``effective``: what the ledger knows to have been tried before, without this recipe; ``look``, which
        look at the holdout a promotion would be.
    levels : list of dict
        Of each strength, nothing first, see `quorate.runs.prove.power.level`.
    smallest : dict
        ``edge``, the smallest annual Sharpe ratio after costs that is certified with a power of 80 %, and the ends
        ``low`` and ``high`` of its interval; None where it is more than was tried.
    binding : dict or None
        The gate that is missed most often where power falls short.
    remedies : list of dict
        ``name``; ``smallest``, as above, in the edge that the forecasts have at the recipe's own costs and bars. Of a
        candidate that is clearly better than the judged series ``set``, the keys of the recipe that have it judged.
    left_out : list of str
        Gates that cannot be asked here.
    """

    recipe: str
    key: str
    data: dict[str, Any]
    draws: int
    trials: dict[str, Any]
    levels: list[dict[str, Any]]
    smallest: dict[str, Any]
    binding: dict[str, Any] | None
    remedies: list[dict[str, Any]]
    left_out: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"schema_version": VERSION, **asdict(self)}

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.prove import render

        return as_html(lambda: render(self.to_dict()))


@in_usual_surroundings
def prove(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    draws: int = DRAWS,
    progress: Progress | None = None,
) -> Proof:
    """Say what a recipe could prove: how strong an edge must be for its gates to see it on bars like these.

    Strategy, costs, gates and evidence are the recipe's own; bars are drawn from those before the holdout, without
    their drift; members are replaced by planted forecasts of graded strength, so that nothing is fitted. The holdout's
    prices are not read, and nothing is entered in the ledger. What is found is kept in the home, and is the same again
    for the same recipe, bars, plugins and ledger.

    Parameters
    ----------
    recipe, home, plugins, overrides, progress
        As of `quorate.run`.
    draws : int
        Surrogates per strength.

    Returns
    -------
    Proof

    Raises
    ------
    QuorateError
        For anything that would stop a run before its first fit.
    """
    given = tuple(plugins)
    session = open_session(recipe, home=home, plugins=given, overrides=overrides, progress=progress)
    try:
        bars = hold_out(session, load_bars(session))
        bench = _bench(session, without(bars, session.recipe.holdout.held_out), bars)
        key = _key(session, bars, bench, draws)
        found = _kept(session, key)
        if found is None:
            with _judging(session, bench, given) as judge:
                found = _found(session, bars, bench, key, draws, judge)
            session.home.claim()
            write_json(_path(session, key), found.to_dict())
        return found
    finally:
        session.progress.close()


def _bench(session: Session, bars: Bars, whole: Bars) -> Bench:
    recipe = session.recipe
    start = holdout_start(bars, recipe)
    trials, look = _tried(session, whole, start)
    small = lean(recipe, session.registry, bars.take(0, start))
    return Bench(small, bars, block_of(bars.take(0, start)), trials, look)


def _tried(session: Session, bars: Bars, start: int) -> tuple[Tried, int]:
    """Return what others tried on the days of the walk-forward, and which look at the holdout the next one is."""
    ledger, own = ledger_of(session.home), recipe_digest(session.recipe, session.registry)
    first = spans_of(session.recipe, session.registry, bars.take(0, start))[0].first
    found = count(ledger, bars, str(bars.sessions[first]), str(bars.sessions[start - 1]), recipe=own)
    entries = [e for e in ledger.entries() if e.get("recipe") == own and e.get("data") == bars.fingerprint]
    mine = {e["key"] for e in entries if e.get("kind") == "candidate"}
    others = replace(found, keys={key: stored for key, stored in found.keys.items() if key not in mine})
    if start >= len(bars):
        look = 0
    else:
        look = looks(ledger, bars, start) + (not any(e.get("kind") == "opening" for e in entries))
    effectively = finite_or_none(effective(ledger, others)) if others.keys else 0.0
    return Tried(len(others.keys), effectively or 0.0, found.began), look


def _key(session: Session, bars: Bars, bench: Bench, draws: int) -> str:
    from quorate import __version__

    gates = session.recipe.gates.model_dump(mode="json", exclude_none=True)
    return digest(
        {
            "version": [VERSION, __version__],
            "recipe": recipe_digest(session.recipe, session.registry),
            "pipeline": pipeline_key(session, judging=True),
            "gates": gates,
            "bars": bars.fingerprint,
            "trials": [bench.trials.n, bench.trials.effective, bench.look],
            "draws": draws,
        }
    )


def _path(session: Session, key: str) -> Path:
    return session.home.path / "proofs" / f"{key}.json"


def _kept(session: Session, key: str) -> Proof | None:
    with suppress(FileNotFoundError):
        path = _path(session, key)
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Proof(**{name: value for name, value in stored.items() if name != "schema_version"})
    return None


def _found(session: Session, bars: Bars, bench: Bench, key: str, draws: int, judge: Judge) -> Proof:
    own = session.recipe
    levels: list[dict[str, Any]] = []
    for strength in STEPS:
        known = correlation_of(strength, bars.bars_per_year)
        if levels and levels[-1]["correlation"] >= MOST:
            break
        nothing = not strength
        cases = [Case(draw, strength, brief=nothing) for draw in range(draws)]
        told = "nothing to find" if nothing else f"edge {len(levels)}"
        levels.append(power.level(strength, known, [*judge(cases, told)], nothing))
        *_, before, last, now = 0.0, 0.0, *(one["all"]["share"] for one in levels)
        # It falls on where a better candidate is in the way: the stronger the edge, the clearer that one is better.
        if strength and (now >= power.POWER or now < last < before or (now < last and power.instead(levels[-1:]))):
            break
    edges = [one["edge"] for one in levels]
    start = holdout_start(bars, own)
    return Proof(
        recipe=own.name,
        key=key,
        data={
            "fingerprint": bars.fingerprint,
            "first": str(bars.sessions[0]),
            "last": str(bars.sessions[-1]),
            "bars": len(bars),
            "holdout": len(bars) - start,
            "block": round(bench.block, 1),
        },
        draws=draws,
        trials={"n": bench.trials.n, "effective": bench.trials.effective, "look": bench.look},
        levels=levels,
        smallest=power.smallest(edges, [one["all"] for one in levels]),
        binding=power.binding(levels),
        remedies=[
            _remedy("two more years of bars", levels, partial(_again, judge, draws, years=YEARS)),
            _remedy("half the costs", levels, partial(_again, judge, draws, costs=COSTS)),
            {
                "name": "one trial, and no others",
                "smallest": power.smallest(edges, [one["one_trial"] for one in levels]),
                "levels": [{"edge": one["edge"], **one["one_trial"]} for one in levels],
            },
            *_judged_instead(levels, draws, judge),
        ],
        left_out=[name for name in own.gates.judging if name not in asked(own, session.registry)],
    )


def _judged_instead(levels: Sequence[dict[str, Any]], draws: int, judge: Judge) -> list[dict[str, Any]]:
    """Return what it is worth to judge a candidate that is clearly better, as `mcs` says of it; nothing without one."""
    keys = power.instead(levels)
    if not keys:
        return []
    name = "judge " + "/".join(keys.values())
    again = partial(_again, judge, draws, instead=tuple(sorted(keys.items())))
    return [{**_remedy(name, levels, again, beyond=True), "set": keys}]


def _again(judge: Judge, draws: int, strength: float, told: str, **change: Any) -> dict[str, Any]:
    """Return the share that all gates pass of the same surrogates, changed; no more than it takes to decide."""
    cases = [Case(draw, strength, brief=True, **change) for draw in range(draws)]
    return power.share_in_turn((not (one.development or one.holdout) for one in judge(cases, told)), draws)


def _remedy(
    name: str, levels: Sequence[dict[str, Any]], again: Callable[[float, str], dict[str, Any]], beyond: bool = False
) -> dict[str, Any]:
    """Return what a remedy comes to, from the strength that came nearest down to the first that is not certified by it.

    What is certified without it counts as if it had changed nothing there: rather too little is promised. If not even
    that strength is certified, `beyond` asks stronger ones, up to the first that is.
    """
    shares = [{"edge": one["edge"], **one["all"]} for one in levels if one["all"]["share"] >= power.POWER]
    tried: list[dict[str, Any]] = []
    nearest = max(range(len(levels)), key=lambda k: levels[k]["all"]["share"])
    for one in reversed(levels[: nearest + 1]):
        if one["all"]["share"] >= power.POWER:
            continue
        if not one["strength"]:  # with nothing to find nothing helps
            tried.insert(0, {"edge": one["edge"], **one["all"]})
            break
        tried.insert(0, {"edge": one["edge"], **again(one["strength"], name)})
        if tried[0]["share"] < power.POWER:
            break
    stronger = levels[nearest + 1 :] if beyond and levels[nearest]["all"]["share"] < power.POWER else []
    while stronger and tried[-1]["share"] < power.POWER:
        one, *stronger = stronger
        tried.append({"edge": one["edge"], **again(one["strength"], name)})
    points = sorted([*tried, *shares], key=lambda point: point["edge"] or 0.0)
    return {"name": name, "smallest": power.smallest([p["edge"] for p in points], points), "levels": tried}


@contextmanager
def _judging(session: Session, bench: Bench, plugins: Sequence[Any]) -> Iterator[Judge]:
    """Yield what judges cases, in their order, in as many processes as the recipe says."""
    wanted = session.recipe.execution
    workers = 1 if wanted.executor == "serial" else wanted.workers or os.cpu_count() or 1
    here = partial(judged, bench, session.registry)
    if workers == 1 or any(not isinstance(one, str | os.PathLike) for one in plugins):
        yield partial(_each, session.progress, lambda cases: map(here, cases))
        return
    facts = bench, str(session.home.path), [str(one) for one in plugins]
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, facts)
    try:
        yield partial(_each, session.progress, partial(pool.map, _judge))
    except BrokenProcessPool as e:
        raise StoreError(
            "a process that judged surrogates was killed, perhaps for want of memory; --set execution.workers=1 "
            "judges them in one process"
        ) from e
    finally:
        pool.shutdown(cancel_futures=True)


def _each(
    progress: Progress, apply: Callable[[Sequence[Case]], Iterable[Drawn]], cases: Sequence[Case], told: str
) -> Iterator[Drawn]:
    """Yield what became of cases, in their order; those that nobody waits for any more are not begun."""
    progress.stage(f"{told}: 1 of {len(cases)}")
    for done, drawn in enumerate(apply(cases), 1):
        yield drawn
        if done % TOLD == 0 and done < len(cases):
            progress.stage(f"{told}: {done + 1} of {len(cases)}")


_here: dict[str, tuple[Bench, Registry]] = {}


def _begin(bench: Bench, home: str, plugins: Sequence[str]) -> None:
    """Make ready in another process."""
    from quorate.runs.importing import end_with_parent

    end_with_parent()
    _here["bench"] = bench, open_session(bench.recipe, home=home, plugins=plugins).registry


@in_usual_surroundings
def _judge(case: Case) -> Drawn:
    return judged(*_here["bench"], case)
