"""Sequences of unequal length: which make a step, that nothing beside them is read, and who takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from architectures import SMALL, drawn, inputs, plain, some
from numpy.typing import NDArray

from quorate import Windows
from quorate_plugins.deep import FIXED, WINDOWS, models, quorate_models
from quorate_plugins.deep.feed import Order, Part
from quorate_plugins.deep.model import Deep, Pair, fit_together
from quorate_plugins.deep.models import cnn_gru, gru, mlp
from quorate_plugins.deep.room import at_once
from quorate_plugins.deep.scaling import scaling_of
from quorate_plugins.deep.settings import Training

LONGEST, FEATURES = 12, 3
READ_ANY = [name for name in WINDOWS if name not in FIXED]
OTHERWISE = {
    "fast": "cnn-gru-fast",
    "balanced": "cnn-gru",
    "quality": "cnn-bilstm",
    "legacy": "cnn-lstm",
    "perceptron": "mlp",
}


def sequences(n: int, least: int = 4, seed: int = 0, between: float | None = None) -> Pair:
    """Return sequences and labels, of which the last is as long as can be; `between` fills what is between them."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(least, LONGEST + 1, n)
    lengths[-1] = LONGEST
    bars = draw.standard_normal((lengths.sum(), FEATURES)).astype(np.float32)
    last = np.cumsum(lengths) - 1
    y = bars[last, 0] + draw.normal(0, 0.2, n)
    if between is not None:
        filled = np.full((n, LONGEST + 1, FEATURES), between, dtype=np.float32)
        filled[np.arange(LONGEST + 1) > LONGEST - lengths[:, None]] = bars
        bars, last = filled.reshape(-1, FEATURES), (np.arange(n) + 1) * (LONGEST + 1) - 1
    return Windows(bars, last, LONGEST, np.arange(n) % 2, lengths), y


def fitted(X: Windows | NDArray[np.float32], y: NDArray[Any], **options: Any) -> Deep:
    n = len(y) - len(y) // 5
    return gru(**{"hidden": 6, "epochs": 3, **options}).fit(X[:n], y[:n], validation=(X[n:], y[n:]))


def same(one: Deep, other: Deep) -> bool:
    """Say whether two networks and their trainings are the same, bit for bit."""
    told = [plain(model.history_) for model in (one, other)]
    for history in told:
        del history["epochs"]["seconds"]
    weights, others = one.weights(), other.weights()
    return told[0] == told[1] and all(np.array_equal(weights[name], others[name]) for name in others)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("symbols", ["rows", "equal"])
def test_each_sequence_is_used_once_in_steps_of_one_length_and_within_the_budget(symbols: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    n, budget = int(draw.integers(1, 300)), int(draw.integers(1, 200))
    X, y = sequences(n, 1, seed)
    assert isinstance(X, Windows)
    assert X.lengths is not None
    part = Part(X, y[:, None].astype(np.float32))
    order = Order(part, Training(batch_tokens=budget, symbols=symbols), torch.Generator().manual_seed(seed))
    epochs = [order.epoch() for _ in range(2)]
    for steps in epochs:
        assert len(steps) == len(order)
        assert sorted(torch.cat(steps).tolist()) == list(range(n))
        for rows in steps:
            [length] = {*X.lengths[rows.numpy()].tolist()}
            assert len(rows) == 1 or len(rows) * length <= budget
    assert n < 20 or [s.tolist() for s in epochs[0]] != [s.tolist() for s in epochs[1]]
    again = Order(part, Training(batch_tokens=budget, symbols=symbols), torch.Generator().manual_seed(seed))
    assert [s.tolist() for s in again.epoch()] == [s.tolist() for s in epochs[0]]


def test_steps_of_all_lengths_come_at_any_time_and_those_of_rare_symbols_early() -> None:
    X, y = sequences(600, 1)
    assert isinstance(X, Windows)
    assert X.lengths is not None
    part = Part(X, y[:, None].astype(np.float32))
    order = Order(part, Training(batch_tokens=24), torch.Generator().manual_seed(1))
    firsts = [X.lengths[int(order.epoch()[0][0])] for _ in range(60)]
    assert len({*firsts}) > 6
    X.symbol = (np.arange(600) % 10 == 0).astype(np.int64)
    order = Order(part, Training(batch_tokens=24, symbols="equal"), torch.Generator().manual_seed(1))
    early = [X.symbol[torch.cat(order.epoch()[:60]).numpy()].mean() for _ in range(20)]
    assert np.mean(early) > 0.13  # a tenth of the rows


@pytest.mark.parametrize("between", [1e9, np.nan], ids=str)
@pytest.mark.parametrize("norm", ["z-score", "min-max", "robust"])
def test_what_stands_between_sequences_never_moves_a_number(between: float, norm: str) -> None:
    packed, filled = (sequences(90, between=other) for other in (None, between))
    one, other = (fitted(*pair, norm=norm, batch_tokens=60) for pair in (packed, filled))
    assert same(one, other)
    assert np.array_equal(one.predict(packed[0]), other.predict(filled[0]))


def test_scalings_are_those_of_the_bars_of_all_sequences() -> None:
    X, _ = sequences(50, between=1e9)
    bars = np.asarray(X).reshape(-1, FEATURES)
    assert np.isnan(bars).any()
    found = scaling_of(X, "z-score")
    assert np.allclose(found.centre, np.nanmean(bars, axis=0), atol=1e-6)
    assert np.allclose(found.width, np.nanstd(bars, axis=0), atol=1e-6)


@pytest.mark.parametrize("name", some(READ_ANY))
def test_a_forecast_is_that_of_a_sequence_alone_and_of_an_array_of_its_bars(name: str) -> None:
    X, y = sequences(70)
    make = getattr(models, name.replace("-", "_"))
    model = make(epochs=1, batch_tokens=60).fit(X, y, validation=(X[:20], y[:20]))
    together = model.predict(X)
    assert np.array_equal(together[:12], np.concatenate([model.predict(X[row : row + 1]) for row in range(12)]))
    assert isinstance(X, Windows)
    assert X.lengths is not None
    for row in range(4):
        own = np.asarray(X[row : row + 1])[:, LONGEST - X.lengths[row] :]
        assert model.predict(own)[0] == pytest.approx(together[row], rel=1e-4, abs=1e-5)


def test_a_budget_of_whole_steps_trains_as_steps_of_so_many_rows_do() -> None:
    draw = np.random.default_rng(1)
    X = draw.standard_normal((150, LONGEST, FEATURES)).astype(np.float32)
    y = X[:, -1, 0] + draw.normal(0, 0.2, 150)
    for more in ({}, {"symbols": "equal", "accumulate": 2}, {"loss": "neg_sharpe"}):
        rows, tokens = (fitted(X, y, **size, **more) for size in ({"batch_size": 32}, {"batch_tokens": 32 * LONGEST}))
        assert same(rows, tokens)
    assert not same(fitted(X, y, batch_size=32), fitted(X, y, batch_tokens=20 * LONGEST))


def test_models_that_are_fitted_together_are_what_each_is_alone() -> None:
    def made() -> list[Deep]:
        return [gru(hidden=6, epochs=2, random_state=seed, batch_tokens=60) for seed in range(3)]

    pairs = [sequences(60 + 20 * seed, seed=seed) for seed in range(3)]
    together, alone = made(), made()
    assert fit_together(together, pairs, [None] * 3) == [""] * 3
    for one, other, pair in zip(together, alone, pairs, strict=True):
        assert same(one, other.fit(*pair))
    assert at_once(made()[0], *pairs[0], memory=0) == 1


@pytest.mark.parametrize("name", SMALL)
def test_networks_that_are_said_to_read_any_length_do_and_no_others(name: str) -> None:
    [spec] = [one for one in quorate_models() if one.name == OTHERWISE.get(name, name)]
    net = drawn(name, bars=LONGEST).eval()
    if spec.lengths:
        assert net(inputs(name, 1, bars=7)).shape == (1, 32, 1)
    elif spec.input == "windows":
        with pytest.raises((RuntimeError, IndexError)):
            net(inputs(name, 1, bars=7))


@pytest.mark.parametrize(
    "make, options, said",
    [
        (gru, {"loss": "neg_sharpe"}, "neg_sharpe is of rows that follow one another"),
        (gru, {"compile": True}, "compile is for one shape"),
        (cnn_gru, {}, "the shortest sequence has 3 bars: lookback must be 4 or more"),
    ],
)
def test_what_does_not_go_with_unequal_lengths_is_refused(make: Any, options: dict[str, Any], said: str) -> None:
    X, y = sequences(40, 3, seed=4)
    assert isinstance(X, Windows)
    assert X.lengths is not None
    assert X.lengths.min() == 3
    with pytest.raises(ValueError, match=said):
        make(**options).fit(X, y)


def test_a_sequence_too_short_to_forecast_is_refused() -> None:
    X, y = sequences(40, 5)
    model = cnn_gru(epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="the shortest sequence has 3 bars"):
        model.predict(sequences(40, 3, seed=4)[0])


def test_a_step_has_so_many_rows_or_so_many_bars() -> None:
    with pytest.raises(ValueError, match=r"batch_size 32 and batch_tokens 600: .* leave one out"):
        gru(batch_size=32, batch_tokens=600)
    with pytest.raises(ValueError, match="batch_tokens must be 0 or more; it was -1"):
        gru(batch_tokens=-1)
    assert mlp(batch_tokens=600).training.rows(1) == 600
    assert gru().training.rows(60) == gru().training.batch_size
