"""Combinatorial purged cross-validation of a walk-forward, for the gates that ask for its paths; never for a decision.

1. The gate's splitter names groups of bars; every choice of some of them is a split, its training rows purged
   on both sides, and audited.
2. Every member that votes is fitted on every split.
3. Their mean is traded along each path, and apart from these symbols those that are held out, which the same fits
   forecast at the same bars, with the default threshold and the strategy's options as given: learned
   weights, calibration and a chosen threshold would come from rows that they are then judged on.

Purging follows labels. The features of a training row may read bars of a test group before it, as is usual in
combinatorial cross-validation; what that tells is kept out by the recipe's ``folds.embargo``, here on both sides of
a group. A validation tail is held back from the split's own training rows, so it holds no row of a test group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quorate import statistics
from quorate.dataset.folds import audit_split
from quorate.dataset.splits import Paths, Split, along_paths, combinatorial_folds, group_spans
from quorate.ensemble.combiner import weighted
from quorate.errors import DataError, FitError, PluginError
from quorate.execution.task import FitResult
from quorate.plugins.specs import GateSpec, SplitterSpec
from quorate.statistics import Floats
from quorate.walkforward.failures import failures_by_model
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import Fitting
from quorate.walkforward.series import trade_as_given

Key = tuple[int, int, str]  # groups, tests, splitter


@dataclass(frozen=True, eq=False)
class Splits:
    """The splits that a gate asks for.

    Parameters
    ----------
    gate : str
        The first gate that asks for them.
    found : sequence of Split
        Their folds are counted on from those of the walk-forward.
    reason : str
        Why there are none.
    """

    gate: str
    found: Sequence[Split] = ()
    reason: str = ""


def lay_out(walk: WalkForward) -> dict[Key, Splits]:
    """Return the splits that the recipe's gates ask for, audited, before anything is fitted.

    Raises
    ------
    RecipeError
        If a gate's `groups` and `tests` do not fit together, make too many splits, or its splitter lays out a
        walk-forward.
    PluginError
        If a gate lacks these options, or a splitter breaks its contract.
    IntegrityError
        If a training row of a split knows what its test rows are to predict.
    """
    wanted: dict[Key, Splits] = {}
    index = len(walk.folds)
    for gate, params in walk.recipe.gates.judging.items():
        spec = walk.registry.get(GateSpec, gate)
        if not spec.paths or "development" not in spec.parts:
            continue
        key = key_of(gate, params)
        if key in wanted:
            continue
        try:
            splits = _splits(walk, key, index)
        except DataError as e:
            wanted[key] = Splits(gate, reason=str(e))
            continue
        wanted[key] = Splits(gate, splits)
        index += len(splits)
    return wanted


def key_of(gate: str, params: Mapping[str, Any]) -> Key:
    """Return by which options a gate asks for its paths; `PluginError`, if it lacks one."""
    missing = [name for name in ("groups", "tests", "splitter") if name not in params]
    if missing:
        raise PluginError(
            f"gate {gate!r} asks for paths (paths=True), so its function must have the options groups, tests and "
            f"splitter; it lacks {', '.join(missing)}"
        )
    return params["groups"], params["tests"], params["splitter"]


def _splits(walk: WalkForward, key: Key, index: int) -> list[Split]:
    """Return the splits, their folds counted from `index` on; `DataError`, if the rows are too few for them."""
    groups, tests, name = key
    dataset, embargo = walk.dataset, walk.recipe.folds.embargo
    splitter = walk.registry.get(SplitterSpec, name)
    spans = group_spans(splitter, walk.bars.sessions, groups, tests, int(dataset.bar.min()))
    splits = combinatorial_folds(dataset.bar, dataset.learnt_end, len(walk.bars), spans, tests, embargo)
    for split in splits:
        fold, told = split.fold, f"split {split.fold.index}, which predicts groups {', '.join(map(str, split.groups))}"
        audit_split(fold.train, fold.test, dataset.bar, dataset.learnt_end, embargo, told)
        if walk.binary and len(np.unique(dataset.y[fold.train])) == 1:
            raise DataError(f"{told}, has training labels of one class only: take fewer groups, or fewer test groups")
    return [replace(split, fold=replace(split.fold, index=index + split.fold.index)) for split in splits]


def paths_of(walk: WalkForward, wanted: Mapping[Key, Splits], fitting: Fitting) -> dict[Key, Paths]:
    """Fit the members that vote on every split, and trade their mean along every path.

    Raises
    ------
    FitError
        As `Fitting.run` does.
    """
    return {key: _paths(walk, one, fitting) for key, one in wanted.items()}


def _paths(walk: WalkForward, wanted: Splits, fitting: Fitting) -> Paths:
    splits, embargo = wanted.found, walk.recipe.folds.embargo
    if not splits:
        return Paths(np.empty((0, 0)), 0, embargo, wanted.reason)
    folds = [split.fold for split in splits]
    fitting.progress.note(
        f"gate {wanted.gate!r}: {len(splits)} splits that train on later data, too, "
        f"as folds {folds[0].index} to {folds[-1].index}"
    )
    voting = voters(walk, wanted)
    try:
        fits = fitting.run(voting, folds)
    except FitError as e:
        raise FitError(
            f"gate {wanted.gate!r}, whose splits are folds {folds[0].index} to {folds[-1].index}: {e}\n"
            f"  to go on without the gate: --set gates.{wanted.gate}=false"
        ) from e.__cause__
    walked = along_paths(splits, _means(splits, walk.voting, fits), walk.dataset.bar)
    returns = trade_as_given(walk, walked, folds[0].first)
    found = Paths(returns, len(splits), embargo, lost=_lost(voting, fits))
    return found if walk.unseen is None else replace(found, unseen=_on_unseen(walk, splits, fits))


def _on_unseen(walk: WalkForward, splits: Sequence[Split], fits: Sequence[FitResult]) -> Floats:
    """Return what every path earns with the symbols that are held out, which no split trains on."""
    assert walk.unseen is not None
    unseen = walk.unseen
    own = [replace(one, fold=replace(one.fold, test=unseen.rows(one.fold))) for one in splits]
    means = _means(own, walk.voting, [replace(fit, predictions=fit.unseen) for fit in fits])
    walked = along_paths(own, means, unseen.dataset.bar)
    if not np.isfinite(walked).any():
        return np.empty((0, 0))
    return trade_as_given(unseen.there(walk), walked, splits[0].fold.first)


def _means(splits: Sequence[Split], voting: Sequence[str], fits: Sequence[FitResult]) -> list[Floats]:
    """Return the mean of the members' predictions of each split's test rows; one that failed has no vote."""
    tables = {split.fold.index: np.full((len(split.fold.test), len(voting)), np.nan) for split in splits}
    for fit in fits:
        tables[fit.fold][:, voting.index(fit.model)] = fit.predictions
    means = []
    for table in tables.values():
        known = np.isfinite(table)
        n = known.sum(axis=1, keepdims=True)
        mean = weighted(np.where(known, table, 0.0), known / np.maximum(n, 1))
        means.append(np.where(n[:, 0] > 0, mean, np.nan))
    return means


def voters(walk: WalkForward, wanted: Splits) -> WalkForward:
    """Return what is fitted on the splits: the members that vote."""
    members = {name: walk.members[name] for name in walk.voting}
    return replace(walk, folds=[split.fold for split in wanted.found], members=members)


def _lost(walk: WalkForward, fits: Sequence[FitResult]) -> tuple[str, ...]:
    """Return a sentence for every member that failed on some splits."""
    return tuple(
        f"model {name!r} failed on {len(mine)} of {len(walk.folds)} splits: {mine[0]['reason']}"
        for name, mine in failures_by_model(walk, fits).items()
    )


def of_unseen(paths: Paths) -> Paths:
    """Return the same paths, of the symbols that are held out."""
    reason = paths.reason or ("" if paths.unseen.size else "no row of a symbol that is held out lies in a group")
    return replace(paths, returns=paths.unseen, unseen=np.empty((0, 0)), reason=reason)


def along_both(key: Key, paths: Paths, bars_per_year: float) -> dict[str, Any]:
    """Return what combinatorial paths come to on symbols that are held out, and on the others, as plain data."""

    def figures(returns: Floats) -> dict[str, Any]:
        sharpes = np.array([statistics.sharpe(column, bars_per_year) for column in returns.T])
        known = sharpes[np.isfinite(sharpes)]
        low, middle = np.percentile(known, (5, 50)) if len(known) else (np.nan, np.nan)
        gain = float(np.sum(known > 0)) / len(sharpes) if len(sharpes) else np.nan
        return {"gain": gain, "sharpe-p5": float(low), "sharpe-median": float(middle)}

    groups, tests, splitter = key
    return {
        "groups": groups,
        "tests": tests,
        "splitter": splitter,
        "splits": paths.splits,
        "n": paths.unseen.shape[1],
        "unseen": figures(paths.unseen),
        "seen": figures(paths.returns),
        "reason": paths.reason or of_unseen(paths).reason,
    }
