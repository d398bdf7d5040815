"""What the plain scripts share: bars, features, folds, and vectorbt as a competent user takes it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

WARM_UP = 126  # bars before the first with all its features
LEAST = 250  # bars without which no threshold is chosen
YEAR = 252

Positions = Callable[[pd.Series, float], pd.Series]


def arguments(doc: str, first: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes, by joblib")
    parser.add_argument("--threads", type=int, default=1, help="threads of each fit")
    parser.add_argument("--first", type=int, default=first, help="the first bar that is predicted")
    parser.add_argument("--out", type=Path, help="write the models' predictions there")
    return parser.parse_args()


def read(stop: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return the first bars, their features (NaN in warm-up), and what a trade decided there earns.

    Of quorate only the feature functions are used, as a library of indicators.
    """
    from arch.data import nasdaq

    from quorate_plugins.features import quorate_features

    bars = nasdaq.load().rename(columns=str.lower).iloc[:stop]
    columns = {name: bars[name].to_numpy(dtype=np.float64)[:, None] for name in bars}
    specs = sorted(quorate_features(), key=lambda spec: spec.name)
    with np.errstate(all="ignore"):
        values = [spec.resolve()(*(columns[i] for i in spec.inputs), **spec.params)[:, 0] for spec in specs]
    earned = (bars["open"].shift(-2) / bars["open"].shift(-1) - 1).to_numpy()
    return bars, np.column_stack(values).astype(np.float32), earned


def fit_all(
    fit: Callable[[str, int], np.ndarray], names: list[str], firsts: range, stop: int, jobs: int
) -> pd.DataFrame:
    """Return the out-of-fold predictions of every model; with `jobs`, the longest fits come first."""
    tasks = [(name, first) for first in reversed(firsts) for name in names]
    if jobs > 1:
        from joblib import Parallel, delayed

        found = Parallel(n_jobs=jobs)(delayed(fit)(*task) for task in tasks)
    else:
        found = [fit(*task) for task in tasks]
    parts = dict(zip(tasks, found, strict=True))
    return pd.DataFrame(
        {name: np.concatenate([parts[name, first] for first in firsts]) for name in sorted(names)},
        index=range(firsts[0], stop),
    )


def long_flat(score: pd.Series, level: float) -> pd.Series:
    return (score > level).astype(int)


def long_short(score: pd.Series, level: float) -> pd.Series:
    return (score > level).astype(int) - (score < -level).astype(int)


def simulate(bars: pd.DataFrame, wanted: pd.DataFrame) -> Any:
    """Return the portfolio of wanted positions (1, 0, -1; a column each), traded at the next open."""
    import vectorbt as vbt

    vbt.settings["engine"] = "numba"  # what `pip install vectorbt` gives
    held = wanted.shift(1, fill_value=0).set_axis(bars.index[wanted.index])
    span = bars.loc[held.index]
    # Orders by target, where the position changes: what vectorbt compiles for signals it cannot keep for the next time.
    size = held.astype(float).where(held != held.shift(1, fill_value=0))
    return vbt.Portfolio.from_orders(
        span["close"], size, size_type="targetpercent", price=span["open"], fees=0.0005, slippage=0.0002,
        init_cash=100_000.0, freq="1D",
    )  # fmt: skip


def choose(
    bars: pd.DataFrame, score: pd.DataFrame, positions: Positions, levels: tuple[float, ...], default: float, test: int
) -> pd.DataFrame:
    """Return the positions of every series, in each fold by the threshold with the best Sharpe ratio before it."""
    wanted = pd.concat({level: positions(score, level) for level in levels}, axis=1)
    returns = simulate(bars, wanted).returns()
    chosen = positions(score, default)
    for start in range(test, len(score), test):
        past = returns.iloc[1 : start - 1]  # the labels of the rows up to there have ended
        if len(past) < LEAST:
            continue
        sharpe = (past.mean() / past.std()).unstack(0)
        for name, best in sharpe.dropna(how="all").idxmax(axis=1).items():
            chosen.iloc[start : start + test, chosen.columns.get_loc(name)] = wanted[best, name].iloc[
                start : start + test
            ]
    return chosen


def report(bars: pd.DataFrame, wanted: pd.DataFrame, predictions: pd.DataFrame, out: Path | None) -> None:
    """Print the figures of every series; keep predictions and figures where asked to."""
    portfolio = simulate(bars, wanted)
    returns = portfolio.returns().iloc[1:]
    table = pd.DataFrame(
        {
            "sharpe": returns.mean() / returns.std() * np.sqrt(YEAR),
            "max drawdown": portfolio.max_drawdown(),
            "total return": portfolio.total_return(),
            "trades": portfolio.trades.closed.count(),
            "win rate": portfolio.trades.closed.win_rate(),
        }
    )
    print(table.to_string(float_format="{:.4f}".format))
    if out:
        sharpes = {f"sharpe/{name}": value for name, value in table["sharpe"].items()}
        np.savez(out, **{name: predictions[name].to_numpy() for name in predictions}, **sharpes)
