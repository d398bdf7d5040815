"""Each rule for a model, asked of a small model that keeps it and of one that breaks it."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.testing import NotApplicable, plugins_of, rules
from quorate.testing.runner import ask

RULES = {rule.name: rule for rule in rules("model")}
KEPT: list[Any] = []
COUNT = [0]
SHARED: dict[str, Any] = {}


class Line:
    """Sound: ridge regression in closed form."""

    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = self._design(X)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def _design(self, X):
        flat = np.asarray(X, dtype=np.float64).reshape(len(X), -1)
        return np.column_stack((np.ones(len(X)), flat))

    def predict(self, X):
        return self._design(X) @ self.weights_


class Sign(Line):
    """Sound: a classification."""

    def predict_proba(self, X):
        p = np.clip(self.predict(X), 0.0, 1.0)
        return np.column_stack((1 - p, p))


def spec(factory: Any, task: str = "regression", **more: Any) -> Any:
    return quorate.ModelSpec("mine", factory, task=task, **more)


def say(rule: str, one: Any) -> str:
    """Return what a rule finds, empty if it is kept."""
    [plugin] = plugins_of(one)
    outcome = ask(RULES[rule], plugin)
    assert outcome.state in ("passed", "failed"), outcome.message
    return outcome.message if outcome.state == "failed" else ""


def broken(rule: str, one: Any) -> str:
    message = say(rule, one)
    assert message, f"{rule} found nothing"
    return message


@pytest.mark.parametrize("rule", [name for name, r in RULES.items() if r.check.__module__.count("models")])
@pytest.mark.parametrize(
    "sound",
    [
        spec(Line),
        spec(Sign, task="classification", space={"penalty": quorate.Float(0.1, 10.0, log=True)}),
        spec(Line, input="windows", lookback=4),
        spec("sklearn.linear_model:Ridge", params={"alpha": 0.1}),
        spec("sklearn.neighbors:KNeighborsClassifier", task="classification"),
    ],
    ids=["line", "sign", "windows", "ridge", "neighbours"],
)
def test_a_sound_model_keeps_every_rule(rule: str, sound: Any) -> None:
    [plugin] = plugins_of(sound)
    outcome = ask(RULES[rule], plugin)
    assert outcome.state in ("passed", "not-applicable"), outcome.message


def test_makes() -> None:
    assert "has no predict_proba" in broken("makes", spec(Line, task="classification"))
    assert "returned None" in broken("makes", spec(lambda: None))
    assert "returned the class Line" in broken("makes", spec(lambda: Line))
    one = Line()
    assert "same object twice" in broken("makes", spec(lambda: one))


def test_fits() -> None:
    class Fails(Line):
        def fit(self, X, y):
            raise ValueError("no")

    assert "float32 (240, 5)" in broken("fits", spec(Fails))


def test_constructor_stores() -> None:
    class Validates(Line):
        def __init__(self, penalty=1.0):
            if penalty < 0:
                raise ValueError("negative")
            self.penalty = penalty

    class Computes(Line):
        def __init__(self, penalty=1.0):
            self.penalty = max(penalty, 0.0)

    class Ignores(Line):
        def __init__(self, penalty=1.0, degree=2):
            self.penalty = penalty

    class Private(Line):
        def __init__(self, penalty=1, **more):
            self._options = {"penalty": float(penalty), **more}
            self.penalty = penalty

    assert "raised ValueError: negative" in broken("constructor-stores", spec(Validates))
    assert "stores 0.0" in broken("constructor-stores", spec(Computes))
    assert "degree" in broken("constructor-stores", spec(Ignores))
    assert not say("constructor-stores", spec(Private))


def test_parameters_round_trip() -> None:
    class Changes(Line):
        def __init__(self, settings=None):
            self.settings = settings
            self.penalty = 1.0

        def fit(self, X, y):
            self.settings["n"] = len(X)
            return super().fit(X, y)

    class Learns(Line):
        def get_params(self, deep=True):
            return {"penalty": self.penalty}

        def set_params(self, **params):
            self.penalty = params.get("penalty", self.penalty)
            return self

        def fit(self, X, y):
            super().fit(X, y)
            self.penalty = self.penalty * 2
            return self

    assert "{'n': 240}" in broken("parameters-round-trip", spec(Changes, params={"settings": {}}))
    assert "before and after `fit`" in broken("parameters-round-trip", spec(Learns))


def test_fit_returns_self() -> None:
    class Silent(Line):
        def fit(self, X, y):
            super().fit(X, y)

    assert "returned None" in broken("fit-returns-self", spec(Silent))


def test_search_space() -> None:
    class Choosy(Line):
        def __init__(self, penalty=1.0, solver="a"):
            self.penalty, self.solver = penalty, solver

        def fit(self, X, y):
            if self.solver == "c":
                raise ValueError("no solver c")
            return super().fit(X, y)

    space = {"penalty": quorate.Float(0.1, 1.0), "solver": quorate.Choice(("a", "b", "c", "d"))}
    assert "solver='c'" in broken("search-space", spec(Choosy, space=space))
    typo = spec(Line, space={"alpha": quorate.Float(0.1, 1.0)})
    assert "space names 'alpha', which is no parameter" in broken("search-space", typo)


def test_input_unmodified_and_read_only_input() -> None:
    class InPlace(Line):
        def fit(self, X, y):
            X *= 2
            return super().fit(X, y)

    assert "changed X: at [0, 0]" in broken("input-unmodified", spec(InPlace))
    assert "read-only" in broken("read-only-input", spec(InPlace))


def test_float32_input() -> None:
    class Double(Line):
        def fit(self, X, y):
            if X.dtype != np.float64:
                raise TypeError("expected Double but found Float")
            return super().fit(X, y)

    assert "in float64 it did not" in broken("float32-input", spec(Double))


def test_one_feature() -> None:
    class Two(Line):
        def _design(self, X):
            return np.column_stack((X[:, 0], X[:, 1]))

    class Refuses(Line):
        def fit(self, X, y):
            if X.shape[1] < 2:
                raise ValueError("at least two features are needed")
            return super().fit(X, y)

    assert "(240, 1)" in broken("one-feature", spec(Two))
    assert not say("one-feature", spec(Refuses))


def test_constant_label() -> None:
    class Scaled(Line):
        def fit(self, X, y):
            self.sd_ = y.std()
            return super().fit(X, y / self.sd_)

        def predict(self, X):
            return super().predict(X) * self.sd_

    with np.errstate(all="ignore"):
        assert "nan" in broken("constant-label", spec(Scaled))


def test_single_class() -> None:
    class OneHot(Sign):
        def fit(self, X, y):
            return super().fit(X, np.eye(len(np.unique(y)))[y][:, 1])

    class Refuses(Sign):
        def fit(self, X, y):
            if len(np.unique(y)) < 2:
                raise ValueError("labels of one class")
            return super().fit(X, y)

    assert "IndexError" in broken("single-class", spec(OneHot, task="classification"))
    assert not say("single-class", spec(Refuses, task="classification"))


def test_accepts_nan() -> None:
    class Fills(Line):
        def _design(self, X):
            return super()._design(np.nan_to_num(X))

    assert not say("accepts-nan", spec(Fills, accepts_nan=True))
    assert "NaN" in broken("accepts-nan", spec(Line, accepts_nan=True))


def test_unit_weights() -> None:
    class Weighted(Line):
        def fit(self, X, y, sample_weight=None):
            A = self._design(X)
            w = np.full(len(y), 1 / len(y)) if sample_weight is None else sample_weight
            self.weights_ = np.linalg.solve(A.T * w @ A + self.penalty * np.eye(A.shape[1]), A.T * w @ y)
            return self

    assert "weights of one" in broken("unit-weights", spec(Weighted))


class Tail(Line):
    """Sound: the tail chooses the penalty."""

    def fit(self, X, y, validation=None):
        def loss(penalty):
            self.penalty_ = penalty
            Line.fit(self, X, y)
            return np.mean((self.predict(validation[0]) - validation[1]) ** 2)

        self.best_ = min((0.1, 1.0, 10.0), key=loss)
        loss(self.best_)
        return self


def test_validation_only_decides() -> None:
    class Trains(Line):
        def fit(self, X, y, validation=None):
            return super().fit(np.concatenate((X, validation[0])), np.concatenate((y, validation[1])))

    class Wants(Line):
        def fit(self, X, y, validation):
            return super().fit(X, y)

    assert RULES["validation-only-decides"].causal
    assert not say("validation-only-decides", spec(Tail, validation=0.2))
    assert "every one of them twice" in broken("validation-only-decides", spec(Trains, validation=0.2))
    assert "add the parameter" in broken("validation-only-decides", spec(Line, validation=0.2))
    assert "validation=0.2 in the spec" in broken("validation-only-decides", spec(Wants))


def test_not_fitted_error() -> None:
    class Zero(Line):
        weights_ = 0.0

        def predict(self, X):
            return self._design(X) @ np.broadcast_to(self.weights_, self._design(X).shape[1])

    class RuleOfThumb:
        def fit(self, X, y):
            return self

        def predict(self, X):
            return -0.01 * X[:, 0].astype(float)

    assert "before it was fitted" in broken("not-fitted-error", spec(Zero))
    assert not say("not-fitted-error", spec(RuleOfThumb))
    assert not say("right-way-round", spec(RuleOfThumb))


@pytest.mark.parametrize(
    ("shape", "found"),
    [(lambda p: p[:, None], "(60, 1)"), (lambda p: None, "()"), (lambda p: ["up"] * len(p), "must give numbers")],
)
def test_output_names(shape: Any, found: str) -> None:
    class Shaped(Line):
        def predict(self, X):
            return shape(super().predict(X))

    assert found in broken("output-names", spec(Shaped))


def test_output_names_of_several_outputs() -> None:
    class Two(Line):
        def predict(self, X):
            mean = super().predict(X)
            return {"mean": mean, "sd": np.full(len(X), 0.01)}

    assert not say("output-names", spec(Two, outputs=("mean", "sd")))
    assert "q0.9" in broken("output-names", spec(Two, outputs=("mean", "q0.9")))


def test_predictions_finite_and_vary() -> None:
    class Logs(Line):
        def predict(self, X):
            with np.errstate(all="ignore"):
                return np.log(super().predict(X))

    class Mean(Line):
        def predict(self, X):
            return np.full(len(X), self.weights_[0])

    assert "not finite" in broken("predictions-finite", spec(Logs))
    assert "collapsed" in broken("predictions-vary", spec(Mean))
    with pytest.raises(NotApplicable):
        RULES["predictions-vary"].check(plugins_of(spec(Mean, baseline=True))[0])


def test_right_way_round_and_probabilities() -> None:
    class Swapped(Sign):
        def predict_proba(self, X):
            return super().predict_proba(X)[:, ::-1]

    class Percent(Sign):
        def predict_proba(self, X):
            return super().predict_proba(X) * 100

    class Loose(Sign):
        def predict_proba(self, X):
            return super().predict_proba(X) * [0.5, 1.0]

    assert "opposite" in broken("right-way-round", spec(Swapped, task="classification"))
    assert "0..100" in broken("probabilities", spec(Percent, task="classification"))
    assert "sums to" in broken("probabilities", spec(Loose, task="classification"))


def test_quantiles_ordered() -> None:
    class Cross(Line):
        def predict(self, X):
            middle = super().predict(X)
            return np.column_stack((0.5 * middle, middle))

    assert "q0.1 is" in broken("quantiles-ordered", spec(Cross, outputs=("q0.1", "q0.5")))
    assert "negative" in broken("quantiles-ordered", spec(Cross, outputs=("sd", "mean")))


def test_one_row() -> None:
    class Squeezes(Line):
        def predict(self, X):
            return super().predict(X)[:, None].squeeze()

    assert "had ()" in broken("one-row", spec(Squeezes))


def test_subset_invariant() -> None:
    class Centres(Line):
        def predict(self, X):
            return super().predict(X - X.mean(axis=0))

    assert RULES["subset-invariant"].causal
    assert "reads the other rows" in broken("subset-invariant", spec(Centres))


def test_objects_independent() -> None:
    class Shared(Line):
        def fit(self, X, y):
            super().fit(X, y)
            SHARED["weights"] = self.weights_
            return self

        def predict(self, X):
            return self._design(X) @ SHARED["weights"] + 0 * self.weights_[0]

    class Level(Line):
        def predict(self, X):
            self.penalty += 1.0
            return super().predict(X) + self.penalty

    assert RULES["objects-independent"].causal
    assert "lies in a global" in broken("objects-independent", spec(Shared))
    assert "changes the model" in broken("objects-independent", spec(Level))


def test_input_shape() -> None:
    class Memory(Line):
        def _design(self, X):
            return super()._design(np.frombuffer(X, dtype=X.dtype).reshape(len(X), -1))

    assert "views" in broken("input-shape", spec(Memory, input="windows", lookback=4))


def test_refit_forgets() -> None:
    class Warm(Line):
        def fit(self, X, y):
            before = getattr(self, "weights_", 0.0)
            super().fit(X, y)
            self.weights_ = 0.5 * self.weights_ + 0.5 * before
            return self

    assert "fitted on A, then on B" in broken("refit-forgets", spec(Warm))


def test_same_seed_same_result() -> None:
    class Counts(Line):
        def fit(self, X, y):
            super().fit(X, y)
            COUNT[0] += 1
            self.weights_ = self.weights_ * COUNT[0]
            return self

    assert "in a second one" in broken("same-seed-same-result", spec(Counts))


def test_fresh_process(tmp_path: Path) -> None:
    file = tmp_path / "by_process.py"
    text = Path(__file__).parents[1].joinpath("plugins", "faulty", "model_hashed_seed.py").read_text()
    file.write_text(text)
    assert "in a fresh one" in broken("fresh-process", file)
    other = tmp_path / "by_number.py"
    other.write_text(text.replace('abs(hash("zoo"))', "5"))
    assert not say("fresh-process", other)


def test_keeps_no_data() -> None:
    class Keeps(Line):
        def fit(self, X, y):
            self.inside_ = {"rows": [X[:5]]}
            return super().fit(X, y)

    class Copies(Line):
        def fit(self, X, y):
            self.rows_ = np.array(X)
            return super().fit(X, y)

    assert "model.inside_['rows'][0]" in broken("keeps-no-data", spec(Keeps))
    assert not say("keeps-no-data", spec(Copies))


class Plain(Line):
    pass


def test_saves() -> None:
    class Locked(Plain):
        def fit(self, X, y):
            self.lock_ = threading.Lock()
            return super().fit(X, y)

    class Lost(Plain):
        def fit(self, X, y):
            super().fit(X, y)
            SHARED["w"] = self.weights_
            return self

        def __reduce__(self):
            return pickle.loads, (pickle.dumps(Plain().fit(np.eye(5), np.zeros(5))),)

    assert "model.lock_" in broken("saves", spec(Locked))
    assert "after it was stored" in broken("saves", spec(Lost))
    assert not say("saves", spec(Plain))


def test_leaves_global_state() -> None:
    class Silences(Line):
        def fit(self, X, y):
            np.seterr(all="ignore")
            return super().fit(X, y)

    before = np.geterr()
    assert "NumPy's error handling" in broken("leaves-global-state", spec(Silences))
    assert np.geterr() == before


class Texts(Sign):
    """Sound: the share of positive labels by category."""

    def fit(self, X, y):
        self.share_ = {level: float(y[X["kind"] == level].mean()) for level in X["kind"].unique()}
        return self

    def predict(self, X):
        return np.array([self.share_.get(level, 0.5) for level in X["kind"]])


class Ranked(Texts):
    """Faulty: a row's answer depends on those beside it."""

    def predict(self, X):
        p = super().predict(X)
        return 0.5 + 0.4 * (p - p.mean()) / (1 + len(p))


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (Texts, ""),
        (Ranked, "must not depend on the others"),
        (Sign, "fitted on a DataFrame of 400 rows with the categories kind and place, it raised"),
    ],
)
def test_what_a_model_does_with_categories(factory, task, message):
    found = say("categories", spec(factory, task, categories=True))
    assert message in found if message else not found
