"""The sections of a report: what each says, made once from a run and drawn by every rendering."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quorate.errors import IntegrityError, RecipeError, near_misses, one_of
from quorate.report.report import PARTS, Report
from quorate.report.sections import (
    about,
    cross_section,
    curves,
    distribution,
    factors,
    firmness,
    forecasts,
    gates,
    networks,
    seeds,
    series,
    steps,
    trading,
    training,
    unseen,
    walk,
    warm,
)
from quorate.report.sections.model import Section

ONCE: dict[str, Callable[[Report], Section]] = {
    "verdict": about.verdict,
    "data": about.data,
    "timings": about.timings,
    "provenance": about.provenance,
}
EACH: dict[str, Callable[[Report, str], Section | None]] = {
    "performance": series.performance,
    "unseen": unseen.unseen,
    "networks": networks.networks,
    "equity": curves.equity,
    "gates": gates.gates,
    "months": curves.months,
    "rolling": curves.rolling,
    "factors": factors.factors,
    "regimes": firmness.regimes,
    "forecasts": forecasts.forecasts,
    "cross-section": cross_section.cross_section,
    "distribution": distribution.distribution,
    "steps": steps.steps,
    "warm-starts": warm.warm,
    "seeds": seeds.seeds,
    "folds": walk.folds,
    "members": walk.members,
    "training": training.training,
    "thresholds": walk.thresholds,
    "symbols": series.symbols,
    "trades": trading.trades,
    "costs": trading.costs,
    "robustness": firmness.robustness,
    "audit": about.audit,
}
NAMES = ("verdict", *EACH, "data", "timings", "provenance")  # in their order
SOME: dict[str, Callable[[Report], object]] = {  # of which only some runs have anything: what tells
    "distribution": lambda report: report.results[PARTS[0]].get("quantiles"),
    "cross-section": lambda report: report.results[PARTS[0]].get("cross_section"),
    "unseen": lambda report: report.results[PARTS[0]].get("unseen"),
    "networks": lambda report: report.results[PARTS[0]].get("networks"),
    "steps": lambda report: report.results[PARTS[0]].get("steps"),
    "warm-starts": lambda report: report.results[PARTS[0]].get("warm_starts"),
    "seeds": lambda report: report.results[PARTS[0]].get("seeds"),
    "regimes": lambda report: report.results[PARTS[0]].get("regimes"),
    "robustness": lambda report: report.results[PARTS[0]].get("ladders"),
    "factors": lambda report: report.results[PARTS[0]].get("benchmark") or report.results[PARTS[0]].get("factors"),
    "training": lambda report: report.telemetry.get("training"),
}
USUAL = ("verdict", "performance", "unseen", "networks", "equity")  # what a terminal shows unasked
BRIEF = ("verdict",)


def usual_of(report: Report) -> list[Section]:
    """Return what is shown unasked: of the part that stands now, the holdout once it was opened."""
    standing = PARTS[1] if report.results[PARTS[1]] else PARTS[0]
    return [section for section in sections_of(report, USUAL) if section.part in ("", standing)]


def named(text: str) -> tuple[str, ...]:
    """Return the sections that a text names, separated by commas; ``all`` is all of them.

    Raises
    ------
    RecipeError
        If a name is none of them.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (*NAMES, "all"):
            raise RecipeError(f"a report has no section {name!r}: it must be {one_of(NAMES)}{near_misses(name, NAMES)}")
    if not names:
        raise RecipeError(f"--section needs a name: {one_of(NAMES)}, or all")
    return NAMES if "all" in names else tuple(names)


def sections_of(report: Report, names: Sequence[str] = NAMES) -> list[Section]:
    """Return sections of a report, in their order: of a part, those that it has something for.

    Parameters
    ----------
    names : sequence of str
        Of `NAMES`; of a run with an opened holdout those of both parts follow each other.
    """
    found: list[Section | None] = []
    for name in NAMES:
        if name in names:
            if name in ONCE:
                found.append(ONCE[name](report))
            else:
                found += [_made(name, report, part) for part in PARTS if report.results[part]]
    return [section for section in found if section is not None]


def of_run(report: Report) -> list[str]:
    """Return the names of the sections that a report may have something for."""
    return [name for name in NAMES if name not in SOME or SOME[name](report)]


def _made(name: str, report: Report, part: str) -> Section | None:
    """Return a section of a part; one whose table was changed since says so."""
    try:
        return EACH[name](report, part)
    except IntegrityError as e:
        return Section(name, name.capitalize(), f"This cannot be shown: {e}", (), part)
