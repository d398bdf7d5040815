"""Of covariates counts what was known at the close of a bar; what is published later moves nothing before its time."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.bars.panel import Bars
from quorate.bars.records import covariate_of
from quorate.dataset.folds import NEVER, walk_forward
from quorate.dataset.labels import Labels, build_labels
from quorate.dataset.rows import build_dataset
from quorate.errors import DataError
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, LabelSpec, Span
from quorate.testing import market

BARS = market(16, 2)
CLOSES = pd.DatetimeIndex(BARS.times).tz_localize("UTC")
HOUR = pd.Timedelta(hours=1)


def records(*rows: tuple[int, float, float, str]) -> pd.DataFrame:
    """Return records: of which bar, how many hours after its close published, value, symbol."""
    return pd.DataFrame(
        {
            "symbol": [symbol for *_, symbol in rows],
            "time": [CLOSES[bar] for bar, *_ in rows],
            "published_at": [CLOSES[bar] + hours * HOUR for bar, hours, *_ in rows],
            "score": [value for _, _, value, _ in rows],
        }
    )


def brute(frame: pd.DataFrame, bars: Bars) -> np.ndarray:
    """Return the same by looking at every record for every bar."""
    found = np.full(bars.close.shape, np.nan)
    for row, close in enumerate(pd.DatetimeIndex(bars.times).tz_localize("UTC")):
        for column, symbol in enumerate(bars.symbols):
            known = [
                (r.time, r.published_at, r.symbol, r.score)
                for r in frame.itertuples()
                if r.symbol in ("", symbol) and r.published_at <= close and not np.isnan(r.score)
            ]
            if known:
                found[row, column] = max(known)[3]
    return found


rows = st.tuples(
    st.integers(0, 15),
    st.integers(-30, 100),
    st.floats(-10, 10) | st.just(np.nan),
    st.sampled_from(["", "AAA", "BBB"]),
)
several = st.lists(rows, min_size=1, max_size=10, unique_by=lambda row: (row[0], row[1], row[3]))


@settings(max_examples=40, deadline=None)
@given(several)
def test_the_latest_reference_that_is_known_counts(given_rows: list[tuple[int, float, float, str]]) -> None:
    frame = records(*given_rows)
    if frame["score"].notna().any():
        bars = BARS.with_covariates({"news": covariate_of(frame)})
        np.testing.assert_array_equal(bars.covariate("news"), brute(frame, BARS))


@settings(max_examples=20, deadline=None)
@given(several, rows, st.integers(8, 14))
def test_a_record_published_late_moves_nothing_before_its_time(
    given_rows: list[tuple[int, float, float, str]], late: tuple[int, float, float, str], at: int
) -> None:
    bar, _, value, symbol = late
    frame, more = records(*given_rows, (0, -40, 1.0, "")), records((bar, 0.0, value, symbol))
    more["published_at"] = CLOSES[at] + HOUR / 7  # at which nothing else is
    before, after = (
        BARS.with_covariates({"news": covariate_of(one)})
        for one in (frame, pd.concat([frame, more], ignore_index=True))
    )
    for name in ("news", "news.age", "news.known"):
        np.testing.assert_array_equal(before.covariate(name)[: at + 1], after.covariate(name)[: at + 1])
    assert before.take(0, at + 1).fingerprint == after.take(0, at + 1).fingerprint
    # Nor features, rows, labels and folds.
    label = Registry.load(environment=False).get(LabelSpec, "return")
    features = [
        FeatureSpec("news", "quorate.dataset.covariates:as_known", inputs=("news",)),
        FeatureSpec("change", change, inputs=("news", "close"), lookback=2),
    ]
    made = []
    for bars in (before, after):
        dataset = build_dataset(bars, features, build_labels(bars, label, 1, "open", {}))
        folds = walk_forward(dataset.bar, dataset.end, [Span(at - 1, at + 1)])
        n = int(np.searchsorted(dataset.bar, at + 1))
        laid = [(fold.train.tolist(), fold.test.tolist()) for fold in folds]
        made.append((*(array[:n].tobytes() for array in (dataset.X, dataset.bar, dataset.y)), laid))
    assert made[0] == made[1]


def change(news: np.ndarray, close: np.ndarray) -> np.ndarray:
    return np.concatenate((np.zeros_like(news[:1]), np.diff(news, axis=0))) + 0 * close


def test_windows_that_no_span_of_known_covariates_fills_are_told() -> None:
    news = covariate_of(records(*((bar, 1, 1.0, "") for bar in range(0, 16, 4))), max_age=timedelta(days=3))
    bars = BARS.with_covariates({"news": news})
    feature = FeatureSpec("news", "quorate.dataset.covariates:as_known", inputs=("news",))
    unknown = Labels(np.full(bars.close.shape, np.nan), np.full(bars.close.shape, NEVER))
    assert build_dataset(bars, [feature], unknown, window=2).window == 2
    with pytest.raises(DataError, match=r"on 6 bars in a row, as models that read windows need them: the most are \d,"):
        build_dataset(bars, [feature], unknown, window=6)
