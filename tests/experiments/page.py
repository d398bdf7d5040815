"""The page of what the studies have counted: docs/studies.md."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sizes
from scipy.special import ndtr, ndtri

from quorate import statistics
from quorate.recipe.canonical import digest

Recipes = Mapping[str, Mapping[str, Any]]
TARGETS = (1.5, 2.0, 2.5, 3.0)
LEVELS, YEAR = (0.05, statistics.look_level(1)), 252  # of walk-forward and holdout; bars
HEADS = (
    "oracle, net Sharpe",
    "signal",
    "median attained, walk-forward",
    "holdout",
    "promoted",
    "perfect gate: the oracle's series",
    "the judged series",
    "that, and both above 1.0",
    "most often missed",
)
SIZES = """\
How often a gate decides wrongly, of simulated series about which it can only be wrong: that it passes what has no
skill, or fails what is as it should be. The gate itself is asked, at its default options. Of 4,000 draws a figure of
5 % is right within 0.7 points, of 1,000 within 1.4, of 400 within 2.1 (95 %). The series are independent, keep .2 or .4
of the value before (AR(1)), or have volatility in clusters (GARCH(1, 1) with .08 and .87). Labels of several bars
overlap.
"""
ABOUT_SIZES = """\
- `alpha`: a share of 80 % of a market that gains. `selection`, `dsr`: the best of trials that correlate by .5. `spa`,
  `stepm`, `mcs`, `pbo`: independent candidates, and a market that stays where it is, so that cash is what counts.
- `forecast`, `rank-ic`: forecasts that last as long as the labels, and know nothing of them; ten symbols. `coverage`:
  an interval of 90 % that holds 90 %.
- `regimes`: one Sharpe ratio at all times, in five regimes that last for months; it makes two tests of 5 %.
- `pbo` and `cpcv` are no tests, and say no size. `cpcv` depends on how alike the fits of its paths are: here paths
  correlate by .5.
- The other gates hold a figure against a bound, whatever chance adds to it."""


def noise_section(study: Any, recipes: Recipes) -> list[str]:
    """Return what was counted on noise."""
    rows = study.rows("noise")
    lines = [
        f"{len(rows)} markets without a signal, {recipes['noise']['data']['n_bars']} daily bars each "
        "(about five years),",
        "ten models. The three headline gates are first put to one unseen year, after a single fit on all that came",
        "before, as the gates alone would be used: to the first model, and to all ten, of which any may pass. Then the",
        "whole path: the ensemble over the walk-forward, next whichever of its series had the best Sharpe ratio,",
        "as a recipe of its own, each with a holdout of a year; an experiment counts if either passes.",
        "",
        "| judged on | by | pass |",
        "|---|---|---|",
    ]
    for key, judged_on, by in (
        ("one_year_first", "one unseen year, one model", "`headline`"),
        ("one_year_any", "one unseen year, any of ten models", "`headline`"),
        ("headline_walk_forward", "walk-forward", "`headline`"),
        ("headline", "walk-forward and holdout: promoted", "`headline`"),
        ("standard_walk_forward", "walk-forward", "`standard`"),
        ("standard", "walk-forward and holdout: promoted", "`standard`"),
    ):
        lines.append(f"| {judged_on} | {by} | {sum(row[key] for row in rows)} of {len(rows)} |")
    return lines if rows else []


def perfect_power(sharpe: float, bars: int, level: float) -> float:
    """Return how often the most powerful test finds a yearly Sharpe ratio, whose returns' deviation is known."""
    return float(ndtr(sharpe * math.sqrt(bars / YEAR) - ndtri(1 - level)))


def perfect_pass(row: Mapping[str, Any]) -> bool:
    """Return whether the judged series of an experiment passes that test, in walk-forward and holdout."""
    parts = zip(row["sharpe"], row["bars"], LEVELS, strict=True)
    return all((sharpe or 0.0) * math.sqrt(bars / YEAR) > ndtri(1 - level) for sharpe, bars, level in parts)


def power_section(study: Any, recipes: Recipes) -> list[str]:
    """Return what was counted on planted signals."""
    lines = []
    for target in TARGETS:
        rows, path = study.rows(f"power-{target}"), study.folder / f"signal-{target}.json"
        if not rows or not path.exists():
            continue
        known = json.loads(path.read_text())
        middle = " | ".join(f"{np.median([row['sharpe'][part] or 0.0 for row in rows]):.2f}" for part in (0, 1))
        missed = Counter(gate for row in rows for gate in row["missed"])
        worst = ", ".join(f"{gate} {n}" for gate, n in missed.most_common(3)) or "none"
        n, count = len(rows), sum(row["promoted"] for row in rows)
        low, high = statistics.wilson_lower(count, n, 0.975), 1 - statistics.wilson_lower(n - count, n, 0.975)
        passed_by = [perfect_pass(row) for row in rows]
        above = sum(one and min(row["sharpe"]) > 1.0 for one, row in zip(passed_by, rows, strict=True))
        limit = math.prod(
            perfect_power(known["oracle"], bars, level) for bars, level in zip(rows[0]["bars"], LEVELS, strict=True)
        )
        lines.append(
            f"| {known['oracle']:.2f} | {known['signal']} | {middle} | {count} of {n}: {count / n:.0%} "
            f"({low:.0%} to {high:.0%}) | {limit:.0%} | {sum(passed_by) / n:.0%} | {above / n:.0%} | {worst} |"
        )
    return lines and [
        f"{recipes['planted signal']['data']['n_bars']} daily bars (ten years), "
        f"{recipes['planted signal']['holdout']['bars']} of them the holdout. The oracle",
        "is the perfect model of the signal, traded by the same strategy at the same costs over 20,000 bars. Shares",
        "have their 95 % interval (Wilson).",
        "",
        "The perfect gate knows the deviation of the returns, and what edge to look for: by Neyman and Pearson it asks",
        "for a mean that is large enough, and nothing is more powerful. It is put to both parts at the levels of the",
        f"path, {LEVELS[0]:.0%} for the walk-forward and {LEVELS[1]:.0%} for a first look at the holdout: to the",
        "oracle's own returns, which no model attains, and to those of the judged series. The last of its columns asks",
        "for a Sharpe ratio above 1.0 in both parts, too, as the headline figures do.",
        "",
        f"| {' | '.join(HEADS)} |",
        f"|{'---|' * len(HEADS)}",
        *lines,
    ]


def clean_section(study: Any, recipes: Recipes) -> list[str]:
    """Return what audits of clean pipelines found."""
    rows = study.rows("clean")
    if not rows:
        return []
    z, rms = ([row[name] for row in rows] for name in ("z", "rms"))
    told = f"z was {min(z):+.1f} to {max(z):+.1f}, RMS {min(rms):.2f} to {max(rms):.2f}"
    return [f"{sum(bool(row['alarms']) for row in rows)} of {len(rows)} raised an alarm; {told}."]


def sizes_section(study: Any, recipes: Recipes) -> list[str]:
    """Return how often gates were wrong."""
    found = sizes.table({bars: study.rows(f"sizes-{bars}") for bars in sizes.BARS})
    return [SIZES, *found, "", ABOUT_SIZES] if len(found) > 2 else []


SECTIONS: Mapping[str, Callable[[Any, Recipes], list[str]]] = {
    "Noise": noise_section,
    "A planted signal": power_section,
    "Clean pipelines under audit": clean_section,
    "Sizes of the gates": sizes_section,
}


def tables(study: Any, recipes: Recipes, before: str = "") -> str:
    """Return the page of results; a section of which nothing was counted here is as it was before."""
    told = dict(part.split("\n", 1) for part in before.split("\n## ")[1:])
    lines = [
        "# Studies: whom the gates let through",
        "",
        "Written by `make experiments`; every figure is counted from runs, whose recipes have the hashes below, or",
        "from gates that were asked of simulated series.",
        "",
    ]
    for heading, section in SECTIONS.items():
        text = "\n".join(section(study, recipes)) or told.get(heading, "").strip() or "Not counted yet."
        lines += [f"## {heading}", "", text, ""]
    hashes = (f"- {name}: `{digest(recipe)[:16]}`" for name, recipe in recipes.items())
    lines += ["## Recipes", "", *hashes, ""]
    return re.sub(r"(?<=\d)%", " %", "\n".join(lines))
