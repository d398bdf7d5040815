"""What the engine promises of a training: when it ends, what it keeps, what it may see, and that lanes are alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from architectures import plain
from numpy.typing import NDArray

from quorate import Windows
from quorate.execution.course import read_course
from quorate_plugins.deep.feed import Order, Part
from quorate_plugins.deep.history import history_of
from quorate_plugins.deep.model import Deep, Pair, fit_together
from quorate_plugins.deep.models import cnn_gru_fast, dlinear, gru, tabm
from quorate_plugins.deep.scaling import scaling_of
from quorate_plugins.deep.settings import Training
from quorate_plugins.deep.states import deep_state, load_deep

BARS, LOOKBACK = 400, 12
Make = Callable[..., Deep]


@pytest.fixture(name="bars", scope="module")
def _bars() -> NDArray[np.float32]:
    bars = np.random.default_rng(3).standard_normal((BARS, 4)).astype(np.float32)
    bars.flags.writeable = False
    return bars


def rows(bars: NDArray[np.float32], first: int, n: int, classes: bool = False) -> Pair:
    last = np.arange(first, first + n)
    X = Windows(bars, last, LOOKBACK, last % 2)
    y = bars[last, 0] + np.random.default_rng(first).normal(0, 0.2, n)
    return X, (y > 0).astype(np.int64) if classes else y


SETTINGS: list[dict[str, Any]] = [
    {},
    {"loss": "pinball", "schedule": "one-cycle"},
    {"loss": "gaussian", "schedule": "cosine", "warmup": 0.1},
    {"loss": "neg_sharpe", "turnover_penalty": 0.1},
    {"loss": "direction_mse", "ema": 0.9, "accumulate": 2, "clip": 0.1},
    {"loss": "huber", "schedule": "plateau", "optimiser": "adam", "weight_decay": 0.01, "norm": "robust"},
    {"symbols": "equal", "patience": 1, "norm": "min-max", "precision": "bf16"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: ",".join(map(str, s.values())) or "defaults")
def test_models_that_train_together_are_bit_for_bit_what_each_is_alone(
    bars: NDArray[np.float32], settings: dict[str, Any]
) -> None:
    def models() -> list[Deep]:
        rates = (1e-3, 5e-3, 1e-3, 2e-3)
        return [gru(hidden=8, epochs=3, random_state=n, learning_rate=r, **settings) for n, r in enumerate(rates)]

    pairs = [rows(bars, 20, 100 + 40 * n) for n in range(4)]
    held = [rows(bars, 300 + n, 60 - 7 * n) for n in range(4)]
    together, alone = models(), models()
    assert fit_together(together, pairs, held) == [""] * 4
    for one, other, pair, validation in zip(together, alone, pairs, held, strict=True):
        other.fit(*pair, validation=validation)
        assert np.array_equal(one.predict(held[0][0]), other.predict(held[0][0]))
        first, second = plain(one.history_), plain(other.history_)
        for told in (first, second):
            del told["epochs"]["seconds"]
        assert first == second


def test_a_lane_that_fails_ends_alone(bars: NDArray[np.float32]) -> None:
    pairs = [rows(bars, 20, 120), rows(bars, 40, 120)]
    pairs[1] = pairs[1][0], np.full(120, np.inf)
    good, bad = gru(hidden=8, epochs=2), gru(hidden=8, epochs=2)
    with np.errstate(invalid="ignore"):
        told = fit_together([good, bad], pairs, [None, None])
    assert told[0] == ""
    assert "not finite in epoch 1" in told[1]
    assert "learning_rate" in told[1]
    assert np.array_equal(good.predict(pairs[0][0]), gru(hidden=8, epochs=2).fit(*pairs[0]).predict(pairs[0][0]))


def test_training_ends_without_progress_and_keeps_the_best_weights(bars: NDArray[np.float32]) -> None:
    held = rows(bars, 300, 80)
    noise = held[0], np.random.default_rng(1).normal(size=80)
    model = dlinear(epochs=200, patience=3, learning_rate=0.05).fit(*rows(bars, 20, 250), validation=noise)
    history = model.history_
    losses = history.epochs["val_loss"]
    assert history.stopped == "no progress in 3 epochs"
    assert history.best_epoch == int(np.argmin(losses)) + 1 == len(history) - 3
    error = (model.scaled(noise[1])[:, 0] - model.scaled(model.predict(noise[0]))[:, 0]) ** 2
    assert float(error.mean()) == pytest.approx(min(losses), rel=1e-4)


def test_an_auc_of_one_class_is_told_and_does_not_hang(bars: NDArray[np.float32]) -> None:
    held = rows(bars, 300, 50)[0], np.ones(50, dtype=np.int64)
    model = dlinear(task="classification", epochs=30, patience=2)
    with pytest.warns(UserWarning, match="auc is not defined on the rows held back: progress is measured by val_loss"):
        model.fit(*rows(bars, 20, 200, classes=True), validation=held)
    assert np.isnan(model.history_.epochs["val_score"]).all()
    assert 1 <= model.history_.best_epoch <= len(model.history_) <= 30
    assert np.isfinite(model.predict_proba(held[0])).all()


def test_what_is_held_back_trains_nothing(bars: NDArray[np.float32]) -> None:
    """Neither scaling nor weights know of it; only how long the training goes on."""
    train, held = rows(bars, 20, 200), rows(bars, 300, 60)
    other = held[0], -held[1] * 100
    models = [dlinear(epochs=4, patience=0).fit(*train, validation=validation) for validation in (held, other)]
    ends = [model.history_.epochs["train_loss"] for model in models]
    assert ends[0] == ends[1]
    assert np.array_equal(models[0].scaling_.centre, models[1].scaling_.centre)


def test_scalings_are_those_of_the_windows_as_a_whole(bars: NDArray[np.float32]) -> None:
    X, _ = rows(bars, 50, 150)
    whole = np.asarray(X).reshape(-1, 4).astype(float)
    found = scaling_of(X, "z-score")
    assert np.allclose(found.centre, whole.mean(axis=0), atol=1e-6)
    assert np.allclose(found.width, whole.std(axis=0), atol=1e-6)
    found = scaling_of(X, "min-max")
    assert np.allclose(found.centre, whole.min(axis=0))
    assert np.allclose(found.width, np.ptp(whole, axis=0))
    found = scaling_of(X, "robust")
    assert np.allclose(found.centre, np.quantile(whole, 0.5, axis=0))
    still = np.repeat(bars[:1], 50, axis=0)
    assert (scaling_of(still, "z-score").width == 1).all()


def test_every_row_is_used_once_in_an_epoch(bars: NDArray[np.float32]) -> None:
    X, y = rows(bars, 20, 130)
    part = Part(X, np.asarray(y, dtype=np.float32)[:, None])
    for settings in (Training(), Training(symbols="equal"), Training(loss="neg_sharpe")):
        order = Order(part, settings, torch.Generator().manual_seed(1))
        first, second = order.epoch(), order.epoch()
        assert len(first) == len(order)
        assert max(map(len, first)) <= settings.batch_size
        for epoch in (first, second):
            assert sorted(torch.cat(epoch).tolist()) == list(range(130))
        assert torch.cat(first).tolist() != torch.cat(second).tolist()
    for piece in first:  # of consecutive rows of one symbol, as what a change costs is paid from row to row
        assert set(np.diff(piece.numpy())) <= {2}


def test_symbols_with_few_rows_come_as_early_as_others(bars: NDArray[np.float32]) -> None:
    last = np.arange(20, 320)
    X = Windows(bars, last, LOOKBACK, (np.arange(300) % 10 == 0).astype(np.int64))
    part = Part(X, np.zeros((300, 1), dtype=np.float32))
    order = Order(part, Training(symbols="equal"), torch.Generator().manual_seed(1))
    rare = [np.mean(X.symbol[torch.cat(order.epoch()[:1]).numpy()]) for _ in range(50)]
    assert 0.2 < np.mean(rare) < 0.5  # a tenth of the rows, and as likely as the others while it has some


def test_same_seed_same_model_and_another_seed_another(bars: NDArray[np.float32]) -> None:
    X, y = rows(bars, 20, 150)
    one, same, other = (gru(hidden=8, epochs=2, random_state=seed).fit(X, y).predict(X) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_rows_and_several_numbers_are_learnt_too(bars: NDArray[np.float32]) -> None:
    X = bars[:300]
    y = np.stack([X[:, 0], 3 * X[:, 1] + 1], axis=1).astype(np.float64)
    model = tabm(hidden=16, members=4, epochs=30, patience=0, dropout=0.0).fit(X, y, validation=(X[:50], y[:50]))
    assert model.predict(X).shape == (300, 2)
    assert np.corrcoef(model.predict(X)[:, 1], y[:, 1])[0, 1] > 0.9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quantiles = tabm(hidden=8, members=2, epochs=1, loss="pinball").fit(X, y).predict(X)
    assert quantiles.shape == (300, 2, 3)
    assert (np.diff(quantiles, axis=-1) >= 0).all()


def test_a_network_tells_how_it_was_trained(bars: NDArray[np.float32]) -> None:
    model = dlinear(epochs=2).fit(*rows(bars, 20, 150), validation=rows(bars, 300, 50))
    course = read_course(history_of(model), 150)
    assert course is not None
    assert (len(course), course.best_epoch, course.stopped) == (2, model.history_.best_epoch, "all epochs")
    assert (course.steps, course.rows) == ((3, 3), 150)
    told = dict(part.split("=") for part in course.lines[1].split())
    assert (told["epoch"], told["steps"]) == ("2", "3")
    assert float(told["val_loss"]) == pytest.approx(model.history_.epochs["val_loss"][1], rel=1e-5)
    assert history_of(load_deep(dlinear(epochs=2), deep_state(model))) is None


def test_a_device_that_is_not_there_is_refused_before_training() -> None:
    assert dlinear(device="auto").device in ("cpu", "cuda", "mps")
    with pytest.raises(ValueError, match="device must be one of cpu, cuda, mps, auto; it was 'tpu'"):
        dlinear(device="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match=r"'cuda' is not on this machine, which has .*cpu"):
            dlinear(device="cuda")


def test_lanes_of_many_short_pieces_make_all_their_steps(bars: NDArray[np.float32]) -> None:
    """Fewer rows may be more steps, where pieces are of one symbol each."""

    def pair(n: int, symbols: int) -> Pair:
        last = np.arange(20, 20 + n)
        return Windows(bars, last, LOOKBACK, last % symbols), bars[last, 0].astype(float)

    pairs = [pair(200, 1), pair(190, 20)]
    together = [dlinear(epochs=2, loss="neg_sharpe") for _ in pairs]
    assert fit_together(together, pairs, [None, None]) == ["", ""]
    for one, (X, y) in zip(together, pairs, strict=True):
        other = dlinear(epochs=2, loss="neg_sharpe").fit(X, y)
        assert np.array_equal(one.predict(X), other.predict(X))
    assert [len(one.history_.batches[0]) for one in together] == [4, 20]


def test_labels_held_back_that_are_no_numbers_are_told(bars: NDArray[np.float32]) -> None:
    X, _ = rows(bars, 300, 50)
    with pytest.raises(ValueError, match="the loss on the rows held back was not finite in any epoch"):
        dlinear(epochs=2).fit(*rows(bars, 20, 120), validation=(X, np.full(50, np.nan)))


def state_of(model: Deep) -> dict[str, Any]:
    return {name: np.array(value) for name, value in deep_state(model).items()}


@pytest.mark.parametrize("settings", [{}, {"ema": 0.9, "schedule": "one-cycle"}, {"task": "classification"}], ids=str)
def test_what_goes_on_is_bit_for_bit_what_it_is_alone_beside_what_begins_afresh(
    bars: NDArray[np.float32], settings: dict[str, Any]
) -> None:
    classes = "task" in settings

    def model(**more: Any) -> Deep:
        return cnn_gru_fast(epochs=2, warm_epochs=3, **settings, **more)

    pairs = [rows(bars, 20 + 30 * n, 100 + 40 * n, classes) for n in range(3)]
    held = [rows(bars, 300 + n, 60 - 7 * n, classes) for n in range(3)]
    first = model().fit(*rows(bars, 20, 90, classes), validation=rows(bars, 120, 40, classes))
    before, starts = state_of(first), [first, None, first]
    together, alone = ([model(random_state=n) for n in range(3)] for _ in range(2))
    assert fit_together(together, pairs, held, starts) == [""] * 3
    for one, other, pair, validation, start in zip(together, alone, pairs, held, starts, strict=True):
        other.fit(*pair, validation=validation, start=start)
        own, also = state_of(one), state_of(other)
        assert all(np.array_equal(own[name], also[name]) for name in own)
        assert len(one.history_) == (2 if start is None else 3)
        scaled_alike = np.array_equal(own["scaler.centre"], before["scaler.centre"])
        assert scaled_alike == (start is not None)
    after = state_of(first)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_what_makes_no_progress_stays_what_it_went_on_from(bars: NDArray[np.float32]) -> None:
    train, held = rows(bars, 20, 200), rows(bars, 300, 60)
    first = gru(hidden=8, epochs=3, learning_rate=5e-3).fit(*train, validation=held)
    wrong = train[0], -train[1]  # what is held back goes the other way
    stays = gru(hidden=8, warm_epochs=4, warm_learning_rate=1e-2).fit(*wrong, validation=held, start=first)
    assert stays.history_.best_epoch == 0
    assert np.array_equal(stays.predict(held[0]), first.predict(held[0]))
    moves = gru(hidden=8, warm_epochs=4, warm_learning_rate=1e-2).fit(*wrong, start=first)
    assert moves.history_.best_epoch == 4
    assert not np.array_equal(moves.predict(held[0]), first.predict(held[0]))


def test_the_settings_of_a_warm_start_are_its_own(bars: NDArray[np.float32]) -> None:
    train = rows(bars, 20, 200)
    first = dlinear(epochs=3).fit(*train)
    tenth = dlinear(epochs=3, learning_rate=0.02, warm_epochs=2).fit(*train, start=first).history_
    assert tenth.epochs["learning_rate"] == pytest.approx([0.002] * 2)
    named = dlinear(epochs=3, learning_rate=0.02, warm_epochs=1, warm_learning_rate=0.01).fit(*train, start=first)
    assert named.history_.epochs["learning_rate"] == [0.01]
    none = dlinear(epochs=3, warm_epochs=0).fit(*train, start=first)
    assert (len(none.history_), none.history_.stopped) == (0, "no epochs")
    assert np.array_equal(none.predict(train[0]), first.predict(train[0]))
    with pytest.raises(ValueError, match="warm_epochs must be 0 or more; it was -1"):
        dlinear(warm_epochs=-1)
