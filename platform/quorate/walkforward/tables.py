"""The tables of one part of a run, as they are stored."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.dataset.folds import NEVER
from quorate.execution.outputs import right_directions
from quorate.statistics import Floats, diebold_mariano
from quorate.statistics._naive import naive_forecasts
from quorate.walkforward.collapse import spread_of
from quorate.walkforward.cross_section import coefficient_frames
from quorate.walkforward.findings import Judged
from quorate.walkforward.training import training_frames

SIZE = 0.05  # of the test, two-sided, whose words are told


class Frames(Mapping[str, pd.DataFrame]):
    """Tables by name, each made when it is asked for: those of many rows are large."""

    def __init__(self, made: Mapping[str, Callable[[], pd.DataFrame]]) -> None:
        self._made = made

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._made[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def frames_of(part: str, outcome: Judged, others: Mapping[str, pd.DataFrame]) -> Frames:
    """Return all tables of a part by name, `others` among them."""
    walk = outcome.walk
    times = pd.DatetimeIndex(walk.bars.times).tz_localize("UTC")
    first, stop = outcome.bounds
    naive = naive_forecasts(walk.dataset.y, walk.dataset.end, walk.dataset.bar)
    few = {
        "fits": _fit_frame(outcome).assign(part=part),
        "skill": _skill_frame(part, outcome, naive),
        **training_frames(part, outcome.fits),
        **coefficient_frames(part, outcome.series, times[first:stop]),
        **others,
    }
    return Frames(
        {
            "predictions": lambda: _prediction_frame(part, outcome, times, naive),
            "trades": lambda: _trade_frame(part, outcome),
            "equity": lambda: _equity_frame(part, outcome, times[first:stop]),
            "weights": lambda: _weight_frame(part, outcome, times[first:stop]),
            "votes": lambda: _vote_frame(part, outcome, times),
            "grid": lambda: _grid_frame(part, outcome),
            **{name: partial(few.__getitem__, name) for name in few},
        }
    )


def _trade_frame(part: str, outcome: Judged) -> pd.DataFrame:
    return pd.concat(
        [result.trades.assign(part=part, series=one.label) for one, result in outcome.series], ignore_index=True
    )


def _equity_frame(part: str, outcome: Judged, times: pd.DatetimeIndex) -> pd.DataFrame:
    curves = {one.label: result.equity for one, result in outcome.series}
    carry = outcome.series[0][1].carry
    cash = {} if carry is None else {"cash": np.concatenate(([0.0], carry.cash))}
    return pd.DataFrame({"part": part, "time": times, **curves, **cash}, copy=False)


def _weight_frame(part: str, outcome: Judged, times: pd.DatetimeIndex) -> pd.DataFrame:
    first, stop = outcome.bounds
    desired = outcome.series[0][0].decisions.targets[first:stop]
    row, column = np.indices(desired.shape)
    return pd.DataFrame(
        {
            "part": part,
            "time": times[row.ravel()],
            "symbol": np.asarray(outcome.walk.bars.symbols)[column.ravel()],
            "weight": desired.ravel(),
        },
        copy=False,
    )


def _grid_frame(part: str, outcome: Judged) -> pd.DataFrame:
    """Return what every threshold, with every combination of the strategy's grid, earned with every series."""
    return pd.DataFrame(
        [
            {
                "part": part,
                "series": one.name,
                "role": one.role,
                "strategy": one.strategy,
                "threshold": float(offered.picked["threshold"]),
                "options": json.dumps({k: v for k, v in offered.picked.items() if k != "threshold"}),
                **offered.earned,
            }
            for one, _ in outcome.series
            for offered in one.decisions.offered
        ]
    )


def _vote_frame(part: str, outcome: Judged, times: pd.DatetimeIndex) -> pd.DataFrame:
    """Return what each member weighed in the judged ensemble's predictions, by row."""
    walk, name, rows = outcome.walk, outcome.series[0][0].name, outcome.rows
    weights = outcome.ensembles[name].row_weights[rows]
    symbols = np.asarray(walk.bars.symbols)[walk.dataset.symbol[rows]]
    columns = {f"member/{member}": weights[:, j] for j, member in enumerate(walk.voting)}
    told = {"part": part, "time": times[walk.dataset.bar[rows]], "symbol": symbols, **columns}
    return pd.DataFrame(told, copy=False)


def _fit_frame(outcome: Judged) -> pd.DataFrame:
    tests, y = {fold.index: fold.test for fold in outcome.folds}, outcome.walk.dataset.y
    binary = outcome.walk.binary
    spreads = [spread_of(y[tests[f.fold]], f.predictions, binary) for f in outcome.fits]
    return pd.DataFrame(
        [
            {
                "model": f.model,
                "fold": f.fold,
                "key": f.key,
                "train_rows": f.n_train,
                "in_sample": f.in_sample,
                "out_of_sample": right_directions(y[tests[f.fold]], f.predictions, binary),
                "direction_share": spread.direction_share,
                "label_direction_share": spread.label_direction_share,
                "sd": spread.sd,
                "label_sd": spread.label_sd,
                "collapsed": spread.collapsed,
                "seconds": f.seconds,
                "cpu_seconds": f.cpu_seconds,
                "peak_memory_mib": f.peak_memory / 2**20 or math.nan,
                "began": f.began,
                "place": f.place,
                "cached": f.cached,
                "error": f.error,
            }
            for f, spread in zip(outcome.fits, spreads, strict=True)
        ]
    )


def _skill_frame(part: str, outcome: Judged, naive: Floats) -> pd.DataFrame:
    """Return of each member how its forecasts did against the naive one, by the test of Diebold and Mariano."""
    walk, rows = outcome.walk, outcome.rows
    labels, naive, bar = walk.dataset.y[rows], naive[rows], walk.dataset.bar[rows]
    found = []
    for j, model in enumerate(walk.members):
        forecasts = outcome.predictions[rows, j]
        known = np.isfinite(labels) & np.isfinite(naive) & np.isfinite(forecasts)
        errors, others = ((labels - values)[known] for values in (forecasts, naive))
        test = diebold_mariano(errors, others, h=walk.horizon, bar=bar[known], dependence="any")
        told = {"n": int(known.sum()), "dm": test.statistic, "p_value": test.p_value}
        found.append({"part": part, "model": model, **told, "verdict": test.verdict(SIZE / 2)})
    return pd.DataFrame(found)


def _prediction_frame(part: str, outcome: Judged, times: pd.DatetimeIndex, naive: Floats) -> pd.DataFrame:
    walk, dataset, rows = outcome.walk, outcome.walk.dataset, outcome.rows
    ended = dataset.end[rows] != NEVER
    ends = times[np.where(ended, dataset.end[rows], 0)].where(ended)
    combined = [one for one, _ in outcome.series if one.role in ("ensemble", "alternative")]
    return pd.DataFrame(
        {
            "part": part,
            "row": rows,
            "time": times[dataset.bar[rows]],
            "symbol": np.asarray(walk.bars.symbols)[dataset.symbol[rows]],
            "fold": np.concatenate([np.full(len(fold.test), fold.index) for fold in outcome.folds]),
            "label": dataset.y[rows],
            "label_end": ends,
            "naive": naive[rows],
            **{f"member/{name}": outcome.predictions[rows, j] for j, name in enumerate(walk.members)},
            **{name: values[rows] for name, values in other_outputs(outcome).items()},
            **{f"ensemble/{one.name}": one.predictions[rows] for one in combined},
            **quantiles_of_ensemble(outcome, rows),
        },
        copy=False,  # which would hold all of it twice
    )


def quantiles_of_ensemble(outcome: Judged, rows: NDArray[np.int64]) -> dict[str, Floats]:
    """Return the quantiles beside the judged ensemble's forecast, ``ensemble/NAME/q0.05``, by row."""
    name = outcome.series[0][0].name
    found = outcome.distributions.get(name)
    if found is None or name in outcome.walk.members:
        return {}
    return {
        f"ensemble/{name}/q{level:g}": values[rows]
        for level, values in zip(found.levels.tolist(), found.values.T, strict=True)
    }


def other_outputs(outcome: Judged) -> dict[str, Floats]:
    """Return what members gave beside their prediction, ``member/NAME/OUTPUT``, by row."""
    rows = {fold.index: fold.test for fold in outcome.folds}
    found: dict[str, Floats] = {}
    for fit in outcome.fits:
        for output, values in fit.outputs.items():
            column = found.setdefault(f"member/{fit.model}/{output}", np.full(len(outcome.walk.dataset), math.nan))
            column[rows[fit.fold]] = values
    return found


def stored_predictions(frame: pd.DataFrame, members: Sequence[str]) -> Floats:
    """Return stored out-of-fold predictions as they were computed, by row, (n_rows, n_members)."""
    rows = frame["row"].to_numpy(dtype=np.int64)
    out = np.full((int(rows.max()) + 1, len(members)), math.nan)
    for j, name in enumerate(members):
        out[rows, j] = frame[f"member/{name}"].to_numpy(dtype=np.float64)
    return out
