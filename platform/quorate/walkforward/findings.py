"""What a part of a run found, as plain data for its report."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import PRICES, Bars
from quorate.bars.quality import market_figures, repeated_opens
from quorate.dataset.folds import NEVER, Fold
from quorate.ensemble.combine import Combined
from quorate.ensemble.diversity import diversity, ensemble_gain
from quorate.evidence.evidence import Evidence, Performance
from quorate.evidence.result import GateResult, finite_or_none, plain
from quorate.evidence.verdict import overall
from quorate.execution.task import FitResult
from quorate.statistics import Floats
from quorate.walkforward.alone import alone_in
from quorate.walkforward.capacity import Capacity, capacity_of
from quorate.walkforward.carry import carry_rows
from quorate.walkforward.causality import cuts
from quorate.walkforward.collapse import collapse_warnings
from quorate.walkforward.cross_section import across_symbols
from quorate.walkforward.distribution import Distribution, of_other_steps
from quorate.walkforward.distribution import judged as judged_distributions
from quorate.walkforward.factors import along_factors, benchmark_facts, factor_facts
from quorate.walkforward.failures import failures, failures_by_model
from quorate.walkforward.fresh import against_fresh
from quorate.walkforward.ladders import ladders
from quorate.walkforward.layout import WalkForward, fold_facts
from quorate.walkforward.networks import against_controls, uncontrolled
from quorate.walkforward.pretrained import seen_rows
from quorate.walkforward.regimes import Words, mean_break, regime_rows, regimes_of
from quorate.walkforward.seeds import by_seed, seed_warnings
from quorate.walkforward.series import Series, retrade
from quorate.walkforward.steps import by_step
from quorate.walkforward.symbols import by_symbol

PartName = Literal["development", "holdout"]

TOLD = 0.01  # share of predictions that were cut off, from which on it is told
REPEATED = 0.2  # share of opens that equal the close before, from which fills at the open are not credible


@dataclass(frozen=True, eq=False)
class Judged:
    """All that was computed of a part before it was judged.

    Parameters
    ----------
    walk : WalkForward
        Rows and folds.
    folds : sequence of Fold
        Those of this part.
    bounds : tuple of int
        Positions of its first bar, and of the one after its last.
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions of this part and those before it.
    fits : sequence of FitResult
        This part's.
    series : sequence of (Series, Performance)
        The judged series first, buy and hold last.
    measured : sequence of dict
        Every metric of each of them.
    ensembles : mapping of str to Combined
        By ensembler: predictions and weights.
    distributions : mapping of str to Distribution
        By series: the quantiles of those that give some.
    """

    walk: WalkForward
    folds: Sequence[Fold]
    bounds: tuple[int, int]
    predictions: Floats
    fits: Sequence[FitResult]
    series: Sequence[tuple[Series, Performance]]
    measured: Sequence[Mapping[str, float]]
    ensembles: Mapping[str, Combined]
    distributions: Mapping[str, Distribution] = field(default_factory=dict)

    @cached_property
    def seed(self) -> int:
        """What its bars seed resampling with: their stamps and prices, whatever recipe, costs and names there are."""
        span = self.walk.bars.take(*self.bounds)
        columns = [
            hashlib.sha256(b"".join(getattr(span, field)[:, j].tobytes() for field in PRICES)).digest()
            for j in range(len(span.symbols))
        ]
        digest = hashlib.sha256(span.times.astype(np.int64).tobytes() + b"".join(sorted(columns)))
        return int.from_bytes(digest.digest()[:4])

    @cached_property
    def regimes(self) -> dict[str, Words]:
        """The regime of each of its bars after the first, by kind."""
        return regimes_of(self.walk, self.folds, *self.bounds)

    @cached_property
    def capacity(self) -> Capacity:
        """How much capital the judged decisions bear."""
        return capacity_of(self.walk, self.series[0][0], *self.bounds)

    @cached_property
    def pretrained(self) -> dict[str, dict[str, Any]]:
        """What members begin with that was trained elsewhere, and how many of its rows that may have seen."""
        return seen_rows(self.walk, self.rows)

    @property
    def tests(self) -> dict[int, NDArray[np.int64]]:
        """The rows that each of its folds predicts."""
        return {fold.index: fold.test for fold in self.folds}

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows that its folds predict."""
        return np.concatenate([fold.test for fold in self.folds])


def section_of(outcome: Judged, gates: Sequence[GateResult]) -> dict[str, Any]:
    """Return what the report says of a part."""
    walk, judged, rows = outcome.walk, outcome.series, outcome.rows
    span = walk.bars.take(*outcome.bounds)
    members = _diversity_of(outcome)
    symbols = by_symbol(walk, *judged[0], *outcome.bounds)
    across = across_symbols(walk, outcome.fits, judged, outcome.tests)
    others = of_other_steps(walk, outcome.fits)
    steps = by_step(walk, outcome.fits, outcome.predictions, outcome.tests)
    warm = against_fresh(walk, outcome.folds, outcome.predictions)
    pretrained = list(outcome.pretrained.values())
    networks = against_controls(walk, outcome.predictions, rows, outcome.seed)
    seeds = by_seed(walk, outcome.fits, outcome.predictions, outcome.tests, outcome.bounds[0])
    return {
        "verdict": overall(gate.verdict for gate in gates if gate.required),
        "span": {"first": str(span.sessions[0]), "last": str(span.sessions[-1]), "bars": len(span)},
        "gates": [gate.to_dict() for gate in gates],
        "series": [
            {"name": s.name, "role": s.role, "strategy": s.strategy, "metrics": plain(values)}
            for (s, _), values in zip(judged, outcome.measured, strict=True)
        ],
        **({"symbols": symbols} if symbols else {}),
        **({"cross_section": plain(across)} if across else {}),
        **plain(judged_distributions(walk, outcome.distributions, others, outcome.tests)),
        **({"steps": plain(steps)} if steps else {}),
        **({"warm_starts": plain(warm)} if warm else {}),
        **({"pretrained": pretrained} if pretrained else {}),
        **({"networks": plain(networks)} if networks else {}),
        **plain(seeds),
        **_firmness(outcome, span),
        "market": market_figures(span),
        "members": members,
        "folds": _fold_table(outcome),
        "rows": {
            "features": walk.dataset.X.shape[1],
            **({"categories": len(walk.dataset.categories.names)} if walk.dataset.categories.names else {}),
            "predicted": len(rows),
            **_label_bars(walk, rows),
        },
        **({"failures": lost} if (lost := failures(walk, outcome.fits)) else {}),
        "warnings": [
            *filter(None, (told["words"] for told in pretrained)),
            *walk.warnings,
            *filter(None, [alone_in(walk, rows).warning]),
            *uncontrolled(walk),
            *_left_out(walk, outcome.fits),
            *_cut_off(outcome),
            *collapse_warnings(walk, outcome.fits, {fold.index: fold.test for fold in outcome.folds}),
            *seed_warnings(walk, seeds.get("seed_spread", ())),
            *_warnings(outcome, span),
            *members["warnings"],
        ],
        "digests": {
            "predictions": bytes_digest(outcome.predictions[rows]),
            **digests_of(walk, judged[0][0], *outcome.bounds),
            "equity": bytes_digest(judged[0][1].equity),
        },
    }


def _firmness(outcome: Judged, span: Bars) -> dict[str, Any]:
    """Return what was earned by regime and beside other series, what is left of it later and larger, and carry."""
    (series, judged), (_, held), capacity = outcome.series[0], outcome.series[-1], outcome.capacity
    found: dict[str, Any] = plain(
        {
            "regimes": regime_rows(outcome.regimes, span, judged, series.label, held),
            "mean_break": mean_break(span, judged),
            "ladders": [*ladders(outcome.walk, series, judged, *outcome.bounds), *capacity.rows],
            **({"capacity": capacity.levels} if capacity.levels else {}),
            **_held_against(outcome, span),
            **({"carry": carried} if (carried := carry_rows(outcome.series)) else {}),
        }
    )
    return found


def _held_against(outcome: Judged, span: Bars) -> dict[str, Any]:
    """Return what was earned beside the recipe's own benchmark and factors, by buy and hold, too, if it has some."""
    (own, judged), (hold, held) = outcome.series[0], outcome.series[-1]
    series = {own.label: judged, hold.label: held}
    told = {"benchmark": benchmark_facts(span, series), "factors": factor_facts(span, series)}
    return {name: facts for name, facts in told.items() if facts}


def evidence_of(name: PartName, outcome: Judged) -> Evidence:
    """Return what the gates see."""
    walk, judged = outcome.walk, outcome.series
    first, last = judged[0], judged[-1]
    truncations = len(cuts(*outcome.bounds)) * len(walk.dataset.feature_names)
    undefined = dict.fromkeys(walk.registry.names("metric"), math.nan)
    fills = sum(len(p.trades) + len(p.closed) for _, p in judged)
    return Evidence(
        first[1],
        last[1],
        outcome.seed,
        {**undefined, **outcome.measured[0]},
        {**undefined, **outcome.measured[-1]},
        part=name,
        horizon=walk.horizon,
        judged=first[0].label,
        candidates={s.label: p.returns for s, p in judged if s.candidate},
        members={s.name: p for s, p in judged if s.role == "member"},
        checks={"truncations": truncations, "folds": len(outcome.folds), "fills": fills},
        regimes=outcome.regimes,
        factors=along_factors(walk.bars.take(*outcome.bounds), first[1]),
        pretrained=outcome.pretrained,
        _retrade=retrade(walk, first[0], *outcome.bounds),
    )


def _diversity_of(outcome: Judged) -> dict[str, Any]:
    """Return how alike the members are, and what combining them gained over the best of them."""
    walk, (_, judged) = outcome.walk, outcome.series[0]
    alike = diversity(walk.voting, outcome.predictions[outcome.rows][:, walk.voting_columns])
    alone = {s.name: p.returns for s, p in outcome.series if s.role == "member"}
    gain = ensemble_gain(judged.returns, alone, judged.bars_per_year, seed=outcome.seed)
    found: dict[str, Any] = plain({**alike, "gain": gain})
    return found


def _label_bars(walk: WalkForward, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Return how many bars labels of sessions have until they are known; nothing of a horizon in bars."""
    if isinstance(walk.recipe.labels.horizon, int):
        return {}
    bar, end = walk.dataset.bar[rows], walk.dataset.end[rows]
    known = end < NEVER
    usual = float(np.median((end - bar - 1)[known])) if known.any() else math.nan
    return {"label_bars": plain({"usual": usual, "most": walk.horizon})}


def _left_out(walk: WalkForward, fits: Sequence[FitResult]) -> list[str]:
    """Return a warning for every member that did without some fits."""
    return [
        f"model {name!r} failed on {len(lost)} of {sum(fit.model == name for fit in fits)} folds and takes no part "
        f"there; fold {lost[0]['fold']}: {lost[0]['reason']}"
        for name, lost in failures_by_model(walk, fits).items()
    ]


def _cut_off(outcome: Judged) -> list[str]:
    """Return a warning for every regression of a class of whose predictions some lay outside 0..1."""
    walk, warnings = outcome.walk, []
    for column, (name, spec) in enumerate(walk.members.items()):
        if not walk.binary or spec.task != "regression":
            continue
        predictions = outcome.predictions[outcome.rows, column]
        known = predictions[np.isfinite(predictions)]
        share = float(np.isin(known, (0.0, 1.0)).mean()) if len(known) else 0.0
        if share >= TOLD:
            warnings.append(
                f"{share:.1%} of the predictions of {name!r}, a regression of a class, are 0 or 1: what lies beyond is "
                "cut off, and the order of these rows is lost; a classifier, or a stronger penalty, keeps it"
            )
    return warnings


def _warnings(outcome: Judged, span: Bars) -> list[str]:
    warnings = list(outcome.capacity.warnings)
    share = repeated_opens(span)
    if outcome.walk.recipe.backtest.fill == "open" and share > REPEATED:
        warnings.append(
            f"{share:.0%} of opens equal the close before: fills at the open are not credible on this data; "
            'set backtest.fill = "close"'
        )
    for group in _same_trades([one for one, _ in outcome.series]):
        names = [one.label for one in group]
        warnings.append(f"{', '.join(names[:-1])} and {names[-1]} predict differently and yet trade alike")
    return warnings


def _same_trades(series: Sequence[Series]) -> list[list[Series]]:
    """Return the groups of series that traded at all and decided the same from different predictions."""
    alike: dict[bytes, list[Series]] = {}
    for one in series:
        if one.candidate and one.decisions.targets.any():
            weights = one.decisions.targets + 0.0  # without the sign of a zero
            alike.setdefault(weights.tobytes(), []).append(one)
    return [group for group in alike.values() if len({one.predictions.tobytes() for one in group}) > 1]


def _fold_table(outcome: Judged) -> list[dict[str, Any]]:
    walk, judged, folds = outcome.walk, outcome.series[0][0], outcome.folds
    offset = len(walk.folds) - len(folds)
    rows = []
    for k, fold in enumerate(folds):
        row = outcome.ensembles[judged.name].weights[offset + k]
        rows.append(
            {
                **fold_facts(walk, fold),
                "threshold": float(judged.decisions.thresholds[offset + k]),
                **({"chosen": judged.decisions.chosen[offset + k]} if walk.recipe.strategy.grid else {}),
                "weights": {name: finite_or_none(float(w)) for name, w in zip(walk.voting, row, strict=True)},
            }
        )
    return rows


def digests_of(walk: WalkForward, judged: Series, first: int, stop: int) -> dict[str, str]:
    """Return digests of all features up to a bar, and of what was desired from one bar to another."""
    known, categories = walk.dataset.bar < stop, walk.dataset.categories
    rows = np.flatnonzero(known)
    texts = categories.among(categories.known(rows), rows)
    return {
        "features": bytes_digest(walk.dataset.X[known]),
        **({"categories": bytes_digest(texts)} if categories.names else {}),
        "targets": bytes_digest(judged.decisions.targets[first:stop]),
    }


def bytes_digest(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
