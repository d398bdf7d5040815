"""Every planted leak is caught by the detector that is named for it; a clean pipeline raises no alarm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.bars import covariates
from quorate.bars.covariates import Covariate
from quorate.bars.panel import Bars
from quorate.bars.resample import at_frequency
from quorate.dataset import join, weights
from quorate.dataset.categories import Categories
from quorate.dataset.folds import NEVER
from quorate.dataset.weights import training_rows
from quorate.ensemble import combine as ensemble
from quorate.errors import IntegrityError
from quorate.execution import fit, reading
from quorate.execution.executor import Executor
from quorate.execution.progress import Progress
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Recipe
from quorate.recipe.schema.learning import Weight
from quorate.runs.audit import detectors, joins, null_bars
from quorate.runs.audit.joins import check_joins
from quorate.runs.audit.pipeline import audited, predictions_of, walk_forward_of
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.trading import backtest
from quorate.trading import strategy as decide
from quorate.walkforward.members import Fitting
from quorate.walkforward.weights import weightings_of

DRAWS = 12

NOISE = {
    "name": "noise",
    "data": {"source": "simulated", "n_bars": 1600, "signal": 0.0, "seed": 3},
    "holdout": {"bars": 0},
    "features": {"use": ["return_1", "return_5", "zscore_20"]},
    "folds": {"initial": 400, "test": 100},
    "models": {"logistic": {}, "ridge": {"plugin": "ridge"}},
    "ensemble": {"compare": []},
    "strategy": {"name": "long-short", "compare": []},
    "threshold": {"min_bars": 60},
}

LEAKY_FEATURES = """
import numpy as np
import quorate


def tomorrow(close):
    out = np.zeros_like(close)
    out[:-1] = close[1:] / close[:-1] - 1
    return out


def centred(close):
    padded = np.pad(close, ((10, 10), (0, 0)), mode="edge")
    mean = np.stack([padded[k : k + len(close)] for k in range(21)]).mean(axis=0)
    return close / mean - 1


def week_at_its_start(close):
    week = np.arange(len(close)) // 5
    last = np.array([close[week == w][-1] for w in range(week[-1] + 1)])
    return last[week] / close - 1


def scaled_by_all(close):
    out = np.zeros_like(close)
    out[1:] = close[1:] / close[:-1] - 1
    return (out - out.mean(axis=0)) / out.std(axis=0)


def crash(close):
    out = np.zeros_like(close)
    out[1:] = close[1:] / close[:-1] - 1
    nearly = np.zeros_like(close)
    nearly[:-1] = close[1:] / close[:-1]
    return np.where(nearly > 1.5, -1.0, out)


@quorate.hookimpl
def quorate_features():
    for function in (tomorrow, centred, week_at_its_start, scaled_by_all, crash):
        yield quorate.FeatureSpec(function.__name__, function, lookback=2)
"""


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with quorate.executor("serial") as made:
        yield made


class Pipeline:
    """A recipe's pipeline as the audit has it, and what its detectors say."""

    def __init__(self, executor: Executor, table: dict[str, Any] = NOISE, plugins: Any = ()) -> None:
        session = open_session(table, plugins=plugins)
        self.bars: Bars = load_bars(session)
        self.registry: Registry = session.registry
        self.recipe: Recipe = audited(session.recipe, session.registry, self.bars, full=False)
        self.fitting = Fitting(executor, Progress())

    def null_market(self) -> detectors.Finding:
        return detectors._null(self.recipe, self.registry, self.bars, self.fitting, DRAWS, lambda stage: None)

    def checked(self, name: str) -> detectors.Finding:
        walk = walk_forward_of(self.recipe, self.registry, self.bars)
        predictions = predictions_of(walk, self.fitting)
        check = {
            "fits": lambda: detectors.causality.check_fits(walk, predictions, self.fitting),
            "signals": lambda: detectors.causality.check_signals(walk, predictions, 5, 7),
            "fills": lambda: detectors._fills(walk, predictions),
        }[name]
        return detectors._checked(name, "", check)


@pytest.fixture
def noise(executor: Executor) -> Pipeline:
    return Pipeline(executor)


def test_a_clean_pipeline_raises_no_alarm(noise: Pipeline) -> None:
    found = list(detectors.findings(noise.recipe, noise.registry, noise.bars, noise.fitting, DRAWS))
    assert {f.detector: f.state for f in found if f.state != "clean"} == {}
    assert len({f.detector for f in found}) == len(found) == 13


@pytest.mark.parametrize("feature", ["tomorrow", "centred", "week_at_its_start", "scaled_by_all", "crash"])
def test_a_feature_that_looks_ahead_is_named(executor: Executor, tmp_path: Path, feature: str) -> None:
    path = tmp_path / "leaky.py"
    path.write_text(LEAKY_FEATURES)
    use = {"use": ["return_1", feature], "exclude": [f for f in ALL_LEAKY if f != feature]}
    pipeline = Pipeline(executor, {**NOISE, "features": use}, [path])
    found = list(detectors.findings(pipeline.recipe, pipeline.registry, pipeline.bars, pipeline.fitting, DRAWS))
    [said] = [f for f in found if f.detector == "features and labels"]
    assert said.state == "alarm"
    assert f"feature '{feature}' looks ahead" in said.detail


def joined_at_their_begin(bars: Bars, frequency: str) -> tuple[Bars, Any]:
    """Take a longer bar for known from its begin on, as who joins by its first day does."""
    made, over = at_frequency(bars, frequency)
    return made, np.minimum(over + 1, len(made))


@pytest.mark.parametrize("frequency", ["1w", "1mo"])
def test_a_feature_of_a_longer_bar_that_is_not_over_is_named(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, frequency: str
) -> None:
    pipeline = Pipeline(executor, {**NOISE, "features": {"use": ["return_1", f"return_1@{frequency}"]}})
    walk = walk_forward_of(pipeline.recipe, pipeline.registry, pipeline.bars)
    detectors.causality.check_features(walk, 3, 7)
    monkeypatch.setattr(join, "at_frequency", joined_at_their_begin)
    with pytest.raises(IntegrityError, match=f"feature 'return_1@{frequency}' looks ahead"):
        walk_forward_of(pipeline.recipe, pipeline.registry, pipeline.bars)


ALL_LEAKY = ("tomorrow", "centred", "week_at_its_start", "scaled_by_all", "crash")  # the last needs another future


ELSEWHERE = """
import numpy as np
import quorate

KEPT = {}


def table(close):
    known = np.random.default_rng(3).normal(size=close.shape)
    return known


def kept(close):
    # A centred mean, computed once and cut to what is asked for.
    key = float(close[0, 0])
    if key not in KEPT or len(KEPT[key]) < len(close):
        mean = (np.roll(close, 1, axis=0) + close + np.roll(close, -1, axis=0)) / 3
        KEPT[key] = close / mean - 1
    return KEPT[key][: len(close)]


def per_dollar(close):
    out = np.zeros_like(close)
    out[:-1] = 1e-10 * (close[1:] / close[:-1] - 1)
    return out


def luck(close):
    return np.random.default_rng().normal(size=close.shape)


@quorate.hookimpl
def quorate_features():
    for function in (table, kept, per_dollar, luck):
        yield quorate.FeatureSpec(function.__name__, function, lookback=2)
"""


def elsewhere(executor: Executor, folder: Path, feature: str) -> Pipeline:
    path = folder / "elsewhere.py"
    path.write_text(ELSEWHERE)
    others = [name for name in ("table", "kept", "per_dollar", "luck") if name != feature]
    use = {"use": ["return_1", feature], "exclude": others}
    return Pipeline(executor, {**NOISE, "features": use}, [path])


def test_a_feature_that_does_not_come_from_the_bars_is_named(executor: Executor, tmp_path: Path) -> None:
    pipeline = elsewhere(executor, tmp_path, "table")
    walk = walk_forward_of(pipeline.recipe, pipeline.registry, pipeline.bars)
    with pytest.raises(IntegrityError, match="feature 'table' does not come from the bars"):
        detectors.causality.check_inputs(walk, null_bars(pipeline.bars, 1))


def test_what_a_feature_keeps_from_another_call_does_not_hide_it(executor: Executor, tmp_path: Path) -> None:
    pipeline = elsewhere(executor, tmp_path, "kept")
    assert detectors._whole("null market", pipeline.null_market).state == "alarm"


def test_a_feature_of_a_small_unit_is_seen(executor: Executor, tmp_path: Path) -> None:
    pipeline = elsewhere(executor, tmp_path, "per_dollar")
    with pytest.raises(IntegrityError, match="feature 'per_dollar' looks ahead"):
        walk_forward_of(pipeline.recipe, pipeline.registry, pipeline.bars)


def test_weights_that_know_later_rows_are_named(executor: Executor, noise: Pipeline, tmp_path: Path) -> None:
    labels = noise.recipe.labels.model_copy(update={"weights": [Weight(name="uniqueness")]})
    weighted = noise.recipe.model_copy(update={"labels": labels})
    assert [one.spec.name for one in weightings_of(weighted, noise.registry)] == ["uniqueness"]
    walk_forward_of(weighted, noise.registry, noise.bars)

    # The weights that a fold is shown cannot reach what comes later; what an earlier call was shown they can.
    zoo = Path(__file__).parents[1] / "plugins" / "faulty" / "weight_remembers_the_market.py"
    pipeline = Pipeline(executor, {**NOISE, "labels": {"weights": "zoo-wild"}}, [zoo])
    *_, said = detectors.findings(pipeline.recipe, pipeline.registry, pipeline.bars, pipeline.fitting, DRAWS)
    assert (said.detector, said.state) == ("features and labels", "alarm")
    assert "labels.weights (zoo-wild) look ahead: on fold 0" in said.detail


def test_weights_of_rows_that_do_not_train_are_named(noise: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = noise.recipe.labels.model_copy(update={"weights": [Weight(name="return")]})
    weighted = noise.recipe.model_copy(update={"labels": labels})

    def of_all(dataset: Any, rows: Any, moves: bool) -> Any:
        shown = training_rows(dataset, rows, moves)
        return replace(shown, moves=shown.moves + dataset.moves[int(dataset.learnt_end[rows].max()) :].sum())

    monkeypatch.setattr(weights, "training_rows", of_all)
    with pytest.raises(IntegrityError, match=r"labels\.weights \(return\) look ahead: on fold 0"):
        walk_forward_of(weighted, noise.registry, noise.bars)


AHEAD = """
import numpy as np
import quorate


def side(prices):
    following = np.vstack([prices[1:], prices[-1:]])
    return np.where(following > prices, 1.0, -1.0)


def label(prices, horizon):
    n = len(prices)
    values = np.full(prices.shape, np.nan)
    values[: n - 2] = side(prices)[: n - 2] * (prices[2:] - prices[1:-1]) > 0
    return values, np.broadcast_to(np.arange(n)[:, None] + 2, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("ahead", label, side=side)
"""


def test_a_primary_rule_that_looks_ahead_is_named(executor: Executor, tmp_path: Path) -> None:
    path = tmp_path / "ahead.py"
    path.write_text(AHEAD)
    told = {"labels": {"name": "ahead"}, "strategy": {"name": "meta", "compare": []}}
    pipeline = Pipeline(executor, {**NOISE, **told}, [path])
    with pytest.raises(IntegrityError, match="the primary rule of the label looks ahead: its side of SIM001"):
        walk_forward_of(pipeline.recipe, pipeline.registry, pipeline.bars)


def test_chance_in_a_feature_is_not_called_a_look_ahead(executor: Executor, tmp_path: Path) -> None:
    pipeline = elsewhere(executor, tmp_path, "luck")
    with pytest.raises(IntegrityError, match="feature 'luck' gives other values each time"):
        walk_forward_of(pipeline.recipe, pipeline.registry, pipeline.bars)


def test_a_feature_that_tells_the_label_is_told(noise: Pipeline) -> None:
    walk = walk_forward_of(noise.recipe, noise.registry, noise.bars)
    assert detectors._plausible(walk).state == "clean"
    X = walk.dataset.X.copy()
    X[:, 1] = np.nan_to_num(walk.dataset.y) + np.random.default_rng(1).normal(size=len(X))
    found = detectors._plausible(replace(walk, dataset=replace(walk.dataset, X=X)))
    assert (found.state, list(found.figures)) == ("warning", [walk.dataset.feature_names[1]])


def test_a_category_that_tells_the_label_is_told(noise: Pipeline) -> None:
    walk = walk_forward_of(noise.recipe, noise.registry, noise.bars)
    rng, n = np.random.default_rng(2), len(walk.dataset)
    week = (np.arange(n) // 5).astype(np.int32)  # many levels of few rows each tell nothing
    rises = np.where(rng.random(n) < 0.7, np.nan_to_num(walk.dataset.y), rng.integers(0, 2, n)).astype(np.int32)
    for code, state in ((week, "clean"), (rng.integers(0, 3, n).astype(np.int32), "clean"), (rises, "warning")):
        levels = tuple(str(k) for k in range(int(code.max()) + 1))
        told = replace(walk.dataset, categories=Categories(("sector",), (levels,), code[:, None]))
        found = detectors._plausible(replace(walk, dataset=told))
        assert (found.state, list(found.figures)) == (state, ["sector"] if state == "warning" else [])


@pytest.mark.parametrize("strategy", ["proportional", "kelly"])
def test_positions_that_change_in_steps_are_filled_as_was_decided(noise: Pipeline, strategy: str) -> None:
    chosen = noise.recipe.strategy.model_copy(update={"name": strategy, "params": {}})
    noise.recipe = noise.recipe.model_copy(update={"strategy": chosen})
    assert noise.checked("fills").state == "clean"


PEEKS = """
import numpy as np
import quorate


def peeks(score, threshold, close):
    following = np.vstack([close[1:], close[-1:]])
    return np.where(following > close, 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("peeks", peeks, inputs=("close",))
"""


def test_an_audit_of_a_strategy_that_peeks_ends_with_alarms(executor: Executor, tmp_path: Path) -> None:
    path = tmp_path / "peeks.py"
    path.write_text(PEEKS)
    pipeline = Pipeline(executor, {**NOISE, "strategy": {"name": "peeks", "compare": []}}, [path])
    found = list(detectors.findings(pipeline.recipe, pipeline.registry, pipeline.bars, pipeline.fitting, 2))
    states = {f.detector: f.state for f in found}
    assert states["signals"] == states["null market"] == "alarm"
    assert len(found) == 13


def test_positions_that_earn_their_own_bar_are_caught_by_the_null_market(
    noise: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Position times return without a shift: the fill lies before the decision."""
    honest = backtest.orders_of

    def early(target: Any, *bars: Any) -> Any:
        return honest(np.vstack([target[1:], target[-1:]]), *bars)

    monkeypatch.setattr(backtest, "orders_of", early)
    found = noise.null_market()
    assert found.state == "alarm"
    assert found.figures["rms"] > detectors.MOST_RMS
    assert noise.checked("fills").state == "alarm"


def test_fills_at_the_signals_own_close_are_seen_by_their_stamps(
    noise: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = backtest.orders_of

    def early(target: Any, *bars: Any) -> Any:
        return honest(np.vstack([target[1:], target[-1:]]), *bars)

    monkeypatch.setattr(backtest, "orders_of", early)
    noise.recipe = noise.recipe.model_copy(
        update={"backtest": noise.recipe.backtest.model_copy(update={"fill": "close"})}
    )
    found = noise.checked("fills")
    assert found.state == "alarm"
    assert "before they were decided" in found.detail


def test_orders_by_rules_that_know_the_next_decision_are_seen(noise: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {"lots": 1.0, "band": 0.01, "rebalance": "every"}
    noise.recipe = noise.recipe.model_copy(update={"backtest": noise.recipe.backtest.model_copy(update=rules)})
    assert noise.checked("fills").state == "clean"
    honest = backtest.wanted_of

    def early(target: Any, *bars: Any) -> Any:
        return honest(np.vstack([target[1:], target[-1:]]), *bars)

    monkeypatch.setattr(backtest, "wanted_of", early)
    assert noise.checked("fills").state == "alarm"


@pytest.fixture
def tuned_on_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fold takes what was best on its own bars."""
    honest = decide._best

    def best(returns: Any, rule: Any, bars_per_year: float) -> Any:
        return honest(returns[-300:], replace(rule, min_bars=2), bars_per_year)

    monkeypatch.setattr(decide, "_last_known", lambda dataset, folds, fold: fold.stop - 1)
    monkeypatch.setattr(decide, "_best", best)


@pytest.mark.usefixtures("tuned_on_the_test")
def test_a_threshold_tuned_on_the_test_bars(noise: Pipeline) -> None:
    assert noise.checked("signals").state == "alarm"
    assert noise.null_market().state == "alarm"


@pytest.mark.usefixtures("tuned_on_the_test")
def test_the_best_of_twenty_settings_on_the_test_bars(noise: Pipeline) -> None:
    grid = {"grid": {"hysteresis": [0.0, 0.9]}}
    noise.recipe = noise.recipe.model_copy(update={"strategy": noise.recipe.strategy.model_copy(update=grid)})
    assert noise.checked("signals").state == "alarm"
    assert noise.null_market().state == "alarm"


def test_weights_fitted_on_the_test_rows(noise: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_rows(predictions: Any, end: Any, at: int) -> Any:
        return np.isfinite(predictions).all(axis=1) & (end != NEVER)

    monkeypatch.setattr(ensemble, "known_rows", all_rows)
    ensemble_ = noise.recipe.ensemble.model_copy(update={"method": "logistic-stack", "params": {}})
    noise.recipe = noise.recipe.model_copy(update={"ensemble": ensemble_})
    assert noise.checked("signals").state == "alarm"


class StopsEarly:
    """Keeps the direction that its validation tail likes best, as early stopping keeps the best epoch."""

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: Any, validation: Any) -> StopsEarly:
        rng = np.random.default_rng(self.random_state)
        self.mean_, self.deviation_ = X.mean(axis=0), X.std(axis=0)
        tried = rng.normal(size=(50, X.shape[1]))
        later = (validation[0] - self.mean_) / self.deviation_
        self.w_ = tried[int(np.argmax([np.corrcoef(later @ w, validation[1])[0, 1] for w in tried]))]
        return self

    def predict(self, X: Any) -> Any:
        return 0.5 + 0.2 * np.tanh((X - self.mean_) / self.deviation_ @ self.w_)


def test_early_stopping_on_the_test_fold(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    # Inline, so that it is fitted in this process, where hold_back can be replaced.
    spec = quorate.ModelSpec("stops-early", StopsEarly, task="regression", validation=0.2)
    table = {**NOISE, "models": {"stops-early": {}}, "threshold": {"default": 0.0, "grid": [0.0], "min_bars": 60}}
    pipeline = Pipeline(executor, table, [spec])
    assert pipeline.checked("fits").state == "clean"
    assert pipeline.null_market().state == "clean"
    honest = fit._fit

    def peeking(task: Any, dataset: Any, fold: Any) -> Any:
        usable = fold.test[dataset.end[fold.test] != NEVER]
        with monkeypatch.context() as inner:
            inner.setattr(reading, "hold_back", lambda spec, dataset, rows: (rows, usable))
            return honest(task, dataset, fold)

    monkeypatch.setattr(fit, "_fit", peeking)
    assert pipeline.checked("fits").state == "alarm"
    assert pipeline.null_market().state == "alarm"


def test_a_model_that_learns_from_the_rows_beside_it(executor: Executor, tmp_path: Path) -> None:
    path = tmp_path / "batch.py"
    path.write_text(
        "import numpy as np\nimport quorate\n\n\nclass Batch:\n    def fit(self, X, y):\n        return self\n\n"
        "    def predict(self, X):\n        return 0.5 + 0.1 * np.sign(X[:, 0] - X[:, 0].mean())\n\n\n"
        '@quorate.hookimpl\ndef quorate_models():\n    yield quorate.ModelSpec("batch", Batch, task="regression")\n'
    )
    pipeline = Pipeline(executor, {**NOISE, "models": {"batch": {}}}, [path])
    found = pipeline.checked("fits")
    assert found.state == "alarm"
    assert "model 'batch' looks ahead" in found.detail


SCALER = """
import numpy as np
import quorate


def learn(X, counts):
    return {}


def apply(X, learnt):
    return (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("scaled-by-all", learn, apply=apply)
"""


def test_a_transform_that_is_fitted_on_the_rows_it_turns_ends_the_audit_with_an_alarm(
    executor: Executor, tmp_path: Path
) -> None:
    path = tmp_path / "scaler.py"
    path.write_text(SCALER)
    table = {**NOISE, "features": {**NOISE["features"], "transforms": {"*": "scaled-by-all"}}}
    found = {one.detector: one for one in quorate.audit(table, plugins=[path], executor=executor).findings}
    assert found["fits"].state == "alarm"
    assert "transform 'scaled-by-all': a row's values depend on the rows beside it" in found["fits"].detail
    with pytest.raises(quorate.FitError, match="depend on the rows beside it"):
        quorate.run(table, plugins=[path])


def test_a_transform_that_is_fitted_on_test_rows_too(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    def centre(X: Any, counts: Any) -> Any:
        return {"mean": np.average(X, axis=0, weights=counts)}

    # Inline, so that it is fitted in this process.
    bent = quorate.TransformSpec("bent", centre, apply=lambda X, learnt: np.tanh(100 * (X - learnt["mean"])))
    table = {**NOISE, "features": {**NOISE["features"], "transforms": {"*": "bent"}}, "models": {"ridge": {}}}
    pipeline = Pipeline(executor, table, [bent])
    assert pipeline.checked("fits").state == "clean"
    honest, learn = fit._fit, reading.learn_transforms

    def on_all_rows(task: Any, dataset: Any, fold: Any) -> Any:
        every = np.concatenate((fold.train, fold.test))
        with monkeypatch.context() as inner:
            inner.setattr(
                reading, "learn_transforms", lambda chains, spec, rows, train: learn(chains, spec, rows, every)
            )
            return honest(task, dataset, fold)

    monkeypatch.setattr(fit, "_fit", on_all_rows)
    found = pipeline.checked("fits")
    assert found.state == "alarm"
    assert "model 'ridge' looks ahead" in found.detail


def test_opens_that_repeat_the_close_are_told(noise: Pipeline) -> None:
    opens = noise.bars.open.copy()
    opens[1:] = noise.bars.close[:-1]
    high, low = np.maximum(noise.bars.high, opens), np.minimum(noise.bars.low, opens)
    found = detectors._opens(noise.recipe, replace(noise.bars, open=opens, high=high, low=low))
    assert found.state == "warning"
    assert detectors._opens(noise.recipe, noise.bars).state == "clean"


def test_null_bars_are_bars_and_have_no_drift(noise: Pipeline) -> None:

    drawn = null_bars(noise.bars, 5)
    assert quorate.Bars.from_frame(drawn.to_frame()).fingerprint == drawn.fingerprint
    steps = drawn.close[1:] / drawn.close[:-1] - 1
    assert abs(steps.mean()) < 1e-4
    assert np.sort(drawn.volume[1:], axis=0).tolist() == np.sort(noise.bars.volume[1:], axis=0).tolist()
    assert null_bars(noise.bars, 5).fingerprint == drawn.fingerprint != null_bars(noise.bars, 6).fingerprint


NEWS = {"news": {"source": "simulated", "n_bars": 1600, "signal": 0.0, "seed": 3, "max_age": "20d"}}
ANNOUNCED = """
import numpy as np
import quorate


def announced(news):
    return np.concatenate([news[1:], news[-1:]])


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("announced", announced, inputs=("news",))
"""


def test_covariates_that_are_read_as_they_were_known_raise_no_alarm(executor: Executor) -> None:
    features = {"use": ["return_1", "news_age"]}
    pipeline = Pipeline(executor, {**NOISE, "covariates": NEWS, "features": features})
    walk = walk_forward_of(pipeline.recipe, pipeline.registry, pipeline.bars)
    assert walk.dataset.feature_names == ("news", "news_age", "return_1")
    assert check_joins(pipeline.recipe, pipeline.registry, pipeline.bars, 7) == 400
    assert detectors.causality.check_features(walk, 4, 7) > 0
    assert detectors.causality.check_inputs(walk, null_bars(pipeline.bars, 1)) == 3


def test_a_covariate_that_is_joined_by_its_reference_date_is_named(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(executor, {**NOISE, "covariates": NEWS})
    places = Covariate.places

    def by_reference(self: Covariate, times: Any, symbols: Any, value: str = "") -> Any:
        order = np.argsort(self.time, kind="stable")
        values = {name: column[order] for name, column in self.values.items()}
        other = replace(self, time=self.time[order], known=self.time[order], code=self.code[order], values=values)
        return np.append(order, -1)[places(other, times, symbols, value)]

    monkeypatch.setattr(Covariate, "places", by_reference)
    every = detectors.findings(pipeline.recipe, pipeline.registry, pipeline.bars, pipeline.fitting, 1)
    found = {f.detector: f for f in every}
    assert found["covariates"].state == "alarm"
    assert "the covariate 'news' is not read as it was known: for SIM001 on" in found["covariates"].detail
    assert "that was known on" in found["covariates"].detail
    assert found["features and labels"].state == "alarm"  # cut off, the records that were not published are gone
    assert "feature 'news' looks ahead" in found["features and labels"].detail


def test_a_period_that_counts_before_its_last_record_is_published_is_named(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_the_week = {"news": {**NEWS["news"], "resample": "1w", "aggregate": "mean"}}
    pipeline = Pipeline(executor, {**NOISE, "covariates": by_the_week})
    monkeypatch.setattr(joins, "PLACES", 40)
    assert check_joins(pipeline.recipe, pipeline.registry, pipeline.bars, 7) == 40
    sound = covariates.aggregated

    def at_once(over: Any, code: Any, time: Any, known: Any, values: Any) -> Any:
        return sound(over, code, time, time, values)

    monkeypatch.setattr(covariates, "aggregated", at_once)
    fresh = replace(pipeline.bars, covariates={n: replace(one) for n, one in pipeline.bars.covariates.items()})
    with pytest.raises(IntegrityError, match="the covariate 'news' is not read as it was known: for SIM001 on"):
        check_joins(pipeline.recipe, pipeline.registry, fresh, 7)
    with pytest.raises(IntegrityError, match="feature 'news' looks ahead"):
        walk_forward_of(pipeline.recipe, pipeline.registry, fresh)


def test_a_feature_that_reads_a_covariate_ahead_is_named(executor: Executor, tmp_path: Path) -> None:
    path = tmp_path / "announced.py"
    path.write_text(ANNOUNCED)
    pipeline = Pipeline(executor, {**NOISE, "covariates": NEWS}, [path])
    with pytest.raises(IntegrityError, match="feature 'announced' looks ahead"):
        walk_forward_of(pipeline.recipe, pipeline.registry, pipeline.bars)
