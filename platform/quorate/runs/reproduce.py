"""Running a run again, to see whether every number comes out the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.evidence.evidence import Tried
from quorate.evidence.judging import earlier_of
from quorate.execution.progress import Clock, Progress
from quorate.report.report import Report
from quorate.runs.loaded import load_report
from quorate.runs.rewritten import rewritten
from quorate.runs.stored import changed_since, check_execution_only, reopen
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store.trust import is_trusted
from quorate.walkforward import part as parts
from quorate.walkforward.tables import stored_predictions


@dataclass(frozen=True)
class Reproduction:
    """What came of running a run again.

    Parameters
    ----------
    run : str
        Its id.
    predictions, differing : int
        Out-of-fold predictions compared bit for bit, and how many differ.
    largest : float
        The largest absolute difference of a prediction.
    differences : list of str
        Every other number of the results that differs, ``where: before -> now``.
    versions : list of str
        Libraries, the processor, or the seed of what is resampled, that are not what they were.
    source : list of str, optional
        How the bars that the source gives now are other than those of the run; None, where it was not asked.
    """

    run: str
    predictions: int
    differing: int
    largest: float
    differences: list[str]
    versions: list[str]
    source: list[str] | None = None

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not self.differing and not self.differences

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html
        from quorate.report.views.reproduction import render

        return as_html(lambda: render({**asdict(self), "identical": self.identical}))


@in_usual_surroundings
def reproduce(
    name: str = "latest",
    *,
    home: str | Path | None = None,
    overrides: Sequence[str] = (),
    ask_source: bool = False,
    progress: Progress | None = None,
) -> Reproduction:
    """Compute a stored run again from its recipe, bars and plugin sources, and compare.

    The bars are always those that the run read, as its home keeps them. An opened holdout is computed again too; that
    opens nothing new and is not counted.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    overrides : iterable of str
        For ``execution`` only, e.g. ``execution.executor=serial``: it must not change a result.
    ask_source : bool
        Also ask the source for its bars, and say how they are other than those of the run: what a vendor has rewritten
        since, or what was changed in a file. Databases and files of other machines are asked in any case.
    """
    check_execution_only(overrides, "reproduce")
    progress = progress or Progress()
    report = load_report(name, home=home)
    session, bars = reopen(report, progress, overrides=overrides)
    recipe, registry, clock = session.recipe, session.registry, Clock(progress)
    with session.fitting(cache=False) as fitting:  # nothing is taken from the home: that is what reproducing means
        development = parts.development(
            parts.lay_out_development(recipe, registry, bars, clock), fitting, clock, as_known(report, "development")
        )
        again = {"development": development}
        if report.results["holdout"] is not None:
            known = as_known(report, "holdout")
            again["holdout"] = parts.holdout(recipe, registry, bars, development.predictions, fitting, clock, known)
    progress.close()
    frame, members = report.predictions, list(recipe.models)
    compared, differing, largest = 0, 0, 0.0
    differences: list[str] = []
    for part, computed in again.items():
        before = stored_predictions(frame[frame["part"] == part], members)
        rows = frame.loc[frame["part"] == part, "row"].to_numpy()
        count, apart = _compare(before[rows], computed.predictions[rows])
        compared, differing, largest = compared + before[rows].size, differing + count, max(largest, apart)
        stored_section = dict(report.results[part])
        section = as_then(stored_section, computed.section)
        # Warnings of loading are told when data is loaded, which is not done again.
        stored_section.pop("warnings"), section.pop("warnings")
        differences += list(differences_of(stored_section, section, part))
    versions = changed_since(report.provenance)
    if any(_seed(report.results[part]) != _seed(computed.section) for part, computed in again.items()):
        versions.append("what is resampled: seeded by the recipe -> by the bars")
    if any(not allows_for_dependence(report.results[part]) for part in again):
        versions.append("tests of gates: for values that are independent -> for those that depend on each other")
    elif differences and any(not has_rules_of_today(report.results[part]) for part in again):
        versions.append("rules of sample-size, cost-stress, spa, stepm, coverage: of an earlier version -> of this one")
    elsewhere = "read" in report.provenance["data"] and is_trusted(session.home.path)
    source = rewritten(session, bars) if ask_source or elsewhere else None
    return Reproduction(report.run_id, compared, differing, largest, differences, versions, source)


def as_then(stored: Mapping[str, Any], section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part's section without what versions before did not tell: metrics, inputs of gates, and tables."""
    told = [
        {**now, "metrics": {name: value for name, value in now["metrics"].items() if name in then["metrics"]}}
        for then, now in zip(stored["series"], section["series"], strict=False)
    ]
    same = len(stored["series"]) == len(section["series"])
    found = {**section, "series": told if same else section["series"]}
    if "symbols" in stored and "symbols" in section:
        figures = set().union(*stored["symbols"])
        found["symbols"] = [{k: v for k, v in one.items() if k in figures} for one in section["symbols"]]
    rested = {gate["gate"]: gate["inputs"] for gate in stored.get("gates", ())}
    if rested:
        gates = [(gate, rested.get(gate["gate"], gate["inputs"])) for gate in section["gates"]]
        found["gates"] = [
            {**gate, "inputs": {name: value for name, value in gate["inputs"].items() if name in then}}
            for gate, then in gates
        ]
    firm = ("regimes", "mean_break", "ladders", "capacity", "carry", "benchmark", "factors")
    later = ("symbols", "networks", "cross_section", *firm)
    return {name: value for name, value in found.items() if name not in later or name in stored}


def _seed(section: Mapping[str, Any]) -> Any:
    """Return what resampling was seeded by in a part."""
    return section["members"]["gain"]["seed"]


def allows_for_dependence(section: Mapping[str, Any]) -> bool:
    """Whether gates knew that returns depend on each other when a part was judged."""
    return all("freedom" in gate["inputs"] for gate in section["gates"] if gate["gate"] == "psr")


def has_rules_of_today(section: Mapping[str, Any]) -> bool:
    """Whether a part was judged by gates as they are now."""
    marks = {"spa": "least", "sample-size": "walk_forward", "cost-stress": "own", "coverage": "dependence"}
    told = {gate["gate"]: gate["inputs"] for gate in section["gates"]}
    return allows_for_dependence(section) and all(mark in told[gate] for gate, mark in marks.items() if gate in told)


def as_known(report: Report, part: str) -> parts.Known:
    """Return what the home knew when the run was made, whatever it learned since."""
    section = report.results[part]
    look = report.provenance["holdout"]["recipes_that_opened_it"] if part == "holdout" else 0
    by_now = section.get("trials_before")
    earlier = earlier_of(report.results["development"], Tried(**by_now)) if by_now else None
    return parts.Known(lambda candidates: Tried(**section["trials"]), section.get("null_market"), look, earlier)


def differing_bits(before: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where numbers differ in any bit; two that are not known do not."""
    unequal: NDArray[np.bool_] = before.view(np.int64) != now.view(np.int64)
    unequal &= ~(np.isnan(before) & np.isnan(now))
    return unequal


def _compare(before: NDArray[np.float64], now: NDArray[np.float64]) -> tuple[int, float]:
    """Return how many values differ in any bit, and the largest distance."""
    unequal = differing_bits(before, now)
    return int(unequal.sum()), float(np.fmax.reduce(np.abs(before - now)[unequal], initial=0.0))


def differences_of(before: Any, now: Any, where: str, tolerance: float = 0.0) -> Iterator[str]:
    """Yield how plain data differs, ``where: before -> now``; numbers by more than this share of the larger one."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(k for k in now if k not in before)]:
            yield from differences_of(before.get(key), now.get(key), f"{where}.{key}", tolerance)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (b, n) in enumerate(zip(before, now, strict=True)):
            yield from differences_of(b, n, f"{where}[{i}]", tolerance)
    elif before != now and not _near(before, now, tolerance):
        yield f"{where}: {before} -> {now}"


def _near(before: Any, now: Any, tolerance: float) -> bool:
    numbers = isinstance(before, int | float) and isinstance(now, int | float)
    return bool(tolerance) and numbers and math.isclose(before, now, rel_tol=tolerance, abs_tol=tolerance)
