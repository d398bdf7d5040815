"""What models are given and give: windows, a validation tail, several named outputs; through whole runs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import quorate
from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER, walk_forward
from quorate.dataset.labels import build_labels
from quorate.dataset.rows import build_dataset
from quorate.execution.fit import run_fit
from quorate.execution.key import with_keys
from quorate.execution.steps import hold_back
from quorate.execution.task import FitData, FitTask
from quorate.plugins.provider import Reference
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, LabelSpec, ModelSpec, Span
from quorate.runs.predict import predict
from quorate.runs.reproduce import reproduce
from quorate.testing.markets import panel

PLUGIN = """
import numpy as np
import quorate


class Windows:
    # Weighs the symbol's last bars; what it was given can be told from what it predicts.
    def fit(self, X, y, validation):
        assert X.dtype == np.float32 and X.shape[1:] == (5, 3) and X.flags.c_contiguous in (True, False)
        assert np.isfinite(X).all() and np.isfinite(validation[0]).all()
        self.tail_ = len(validation[1])
        self.w_ = np.linalg.lstsq(X[:, :, 0], y - y.mean(), rcond=None)[0]
        return self

    def predict(self, X):
        mean = np.clip(0.5 + X[:, :, 0] @ self.w_, 0, 1)
        return {"mean": mean, "sd": np.abs(X[:, -1, 1]) + self.tail_, "q0.1": mean - 0.1}


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "windows", Windows, task="regression", input="windows", lookback=5, validation=0.25,
        outputs=("mean", "sd", "q0.1"),
    )
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "windows.py"
    path.write_text(PLUGIN)
    return path


def past(close, window):
    out = np.zeros_like(close)
    out[window:] = close[window:] / close[:-window] - 1
    return out


FEATURES = [FeatureSpec(f"past_{n}", past, {"window": n}, lookback=n + 1) for n in (1, 2, 4)]


def dataset_of(bars: Bars, window: int):
    label = Registry.load().get("label", "direction")
    assert isinstance(label, LabelSpec)
    return build_dataset(bars, FEATURES, build_labels(bars, label, 1, "open", {}), window=window)


def with_gaps() -> Bars:
    """Return a panel whose second symbol starts late and misses some bars."""
    frame = panel(200, late=60).to_frame()
    times = np.unique(frame["time"])
    missing = (frame["symbol"] == "BBB") & frame["time"].isin(times[[100, 101, 130]])
    return Bars.from_frame(frame[~missing].reset_index(drop=True))


class Seen:
    """Remembers what it was given."""

    given: ClassVar[list[np.ndarray]] = []

    def fit(self, X, y):
        Seen.given = [X]
        return self

    def predict(self, X):
        Seen.given.append(X.copy())
        return np.full(len(X), 0.5)


def fit_seen(bars: Bars, window: int = 5):
    dataset = dataset_of(bars, window)
    spec = ModelSpec("seen", Seen, task="regression", input="windows", lookback=window)
    [fold] = walk_forward(dataset.bar, dataset.end, [Span(150, 200)])
    task = FitTask("seen", 0, Reference("model", "seen", "", inline=spec), {}, 1, 1, True)
    result = run_fit(task, FitData(dataset, (fold,)))
    assert result.error == ""
    return dataset, fold


def test_a_window_holds_the_rows_own_bar_last_and_the_symbols_bars_before_it_whatever_it_missed():
    bars = with_gaps()
    dataset, fold = fit_seen(bars)
    whole = dataset_of(bars, 0)
    place = {(int(b), int(s)): i for i, (b, s) in enumerate(zip(whole.bar, whole.symbol, strict=True))}
    for rows, X in ((fold.train, Seen.given[0]), (fold.test, Seen.given[1])):
        for row, window in zip(rows, X, strict=False):
            bar, symbol = int(dataset.bar[row]), int(dataset.symbol[row])
            own = np.flatnonzero(bars.present[: bar + 1, symbol])[-5:]
            assert window.tolist() == [whole.X[place[int(b), symbol]].tolist() for b in own]


def test_rows_need_all_their_features_on_every_bar_of_the_window():
    bars = with_gaps()
    ages = {window: np.cumsum(bars.present, axis=0)[d.bar, d.symbol].min() for window in (0, 1, 5)
            for d in [dataset_of(bars, window)]}  # fmt: skip
    assert ages == {0: 5, 1: 5, 5: 9}
    assert len(dataset_of(bars, 0).sequence) == 0
    assert np.isfinite(dataset_of(bars, 5).sequence).any()


def test_windows_of_one_symbol_are_not_copied_and_cannot_be_written_to():
    dataset, _ = fit_seen(panel(200).select(["AAA"]))
    assert np.shares_memory(Seen.given[0], dataset.sequence)
    assert not Seen.given[0].flags.writeable
    fit_seen(with_gaps())
    assert not Seen.given[0].flags.writeable or not np.shares_memory(Seen.given[0], dataset.sequence)


@pytest.mark.parametrize("change", ["a feature inside a window", "the lookback"])
def test_the_key_of_a_windows_fit_changes_with_what_it_reads(change: str) -> None:
    from dataclasses import replace

    def key(dataset, lookback=5):
        spec = ModelSpec("seen", Seen, task="regression", input="windows", lookback=lookback)
        [fold] = walk_forward(dataset.bar, dataset.end, [Span(150, 200)])
        task = FitTask("seen", 0, Reference("model", "seen", "", inline=spec), {}, 1, 1, True)
        [keyed] = with_keys([task], FitData(dataset, (fold,)))
        return keyed.key

    dataset = dataset_of(with_gaps(), 5)
    sequence = dataset.sequence.copy()
    sequence[int(dataset.context[0]) - 2] += 1
    other = key(dataset, 4) if change == "the lookback" else key(replace(dataset, sequence=sequence))
    assert key(dataset) != other


def holding(share: float) -> ModelSpec:
    return ModelSpec("holding", print, validation=share)


def test_a_tail_is_the_latest_share_and_no_label_reaches_into_it():
    dataset = dataset_of(with_gaps(), 0)
    rows = np.flatnonzero(dataset.end < 150)
    train, tail = hold_back(holding(0.25), dataset, rows)
    assert dataset.end[train].max() < dataset.bar[tail].min()
    assert dataset.bar[tail].max() == dataset.bar[rows].max()
    assert 0.2 < len(tail) / len(rows) < 0.3
    assert set(train) < set(rows)
    assert (dataset.end[tail] != NEVER).all()
    everything, nothing = hold_back(holding(0.0), dataset, rows)
    assert (len(everything), len(nothing)) == (len(rows), 0)
    with pytest.raises(quorate.FitError, match="leaves none to train on"):
        hold_back(holding(0.9), dataset, rows[:3])


@pytest.mark.parametrize("other", ["processes", pytest.param("ray", marks=pytest.mark.full)])
def test_windows_tail_and_outputs_go_through_a_whole_run(small: dict[str, object], plugin: Path, other: str) -> None:
    table = {**small, "features": {"use": ["return_1", "return_5", "volatility_5"]}, "models": {"logistic": {}}}
    reports = {
        executor: quorate.run({**table, "execution": {"executor": executor, "workers": 2}}, plugins=[plugin])
        for executor in ("serial", other)
    }
    report = reports["serial"]
    assert report.digest == reports[other].digest
    outputs = report.predictions[["member/windows", "member/windows/sd", "member/windows/q0.1"]]
    assert np.isfinite(outputs).all(axis=None)
    np.testing.assert_allclose(outputs["member/windows"] - 0.1, outputs["member/windows/q0.1"])
    assert (outputs["member/windows/sd"] > 50).all()  # the length of the tail
    assert reproduce(report.run_id).identical
    promoted = quorate.promote(report.run_id)
    assert promoted.results["holdout"] is not None
    assert reproduce(report.run_id).identical
    assert len(predict(report.run_id).targets) == 1


@pytest.mark.parametrize(
    "folds",
    [
        {"splitter": "rolling", "train": 250, "test": 80},
        pytest.param({"initial": 300, "test": 100}, marks=pytest.mark.full),
    ],
)
def test_a_holdout_continues_any_walk_forward(small: dict[str, object], folds: dict[str, object]) -> None:
    report = quorate.run({**small, "folds": folds, "models": {"logistic": {}}})
    promoted = quorate.promote(report.run_id)
    table = promoted.folds
    assert table["fold"].tolist() == list(range(len(table)))
    assert (table["train_last"] < table["test_first"]).all()
    assert (table["label_end"] < table["test_first"]).all()
    if folds.get("splitter") == "rolling":
        assert table["train_rows"].max() <= 250
    assert reproduce(report.run_id).identical


def test_a_prediction_refits_on_what_the_splitter_would(small: dict[str, object]) -> None:
    table = {**small, "models": {"logistic": {}}}
    rolling = quorate.run({**table, "folds": {"splitter": "rolling", "train": 250, "test": 80}})
    expanding = quorate.run({**table, "folds": {"initial": 250, "test": 80}})
    assert 240 <= predict(rolling.run_id).train_rows <= 250
    assert predict(expanding.run_id).train_rows > 600
