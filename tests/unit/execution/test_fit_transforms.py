"""Transforms within a fit: learnt from its training rows alone, for rows, windows and frames; part of its key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.support import stacks

import quorate
from quorate.dataset.categories import Categories
from quorate.dataset.folds import Fold, Shuffles
from quorate.dataset.rows import Dataset
from quorate.execution import transforms
from quorate.execution.fit import run_fit
from quorate.execution.inputs import inputs_of
from quorate.execution.keeping import forecast, learn
from quorate.execution.key import with_keys
from quorate.execution.stack import run_fits
from quorate.execution.state import State
from quorate.execution.task import FitData, FitTask
from quorate.execution.transforms import Chain, Step, learn_transforms, restored_transforms
from quorate.plugins.provider import Reference
from quorate.walkforward.models import why_not

N, LOOKBACK = 300, 5
NAMES = ("a", "b", "c")
MODELS, TRANSFORMS = "quorate_plugins.models", "quorate_plugins.transforms"
ROWS = quorate.ModelSpec("rows", "sklearn.linear_model:Ridge", task="regression")
WINDOWS = replace(ROWS, input="windows", lookback=LOOKBACK)


@pytest.fixture
def dataset():
    rng = np.random.default_rng(2)
    sequence = (rng.normal(0, 1, (N, 3)) * (0.01, 1, 50) + (0, 3, 0)).astype(np.float32)
    sequence[:LOOKBACK] = np.nan
    at = np.arange(2 * LOOKBACK, N)
    y = (sequence[at, 0] * 100 + rng.normal(0, 1, len(at)) > 0).astype(np.float64)
    return Dataset(
        X=sequence[at],
        feature_names=NAMES,
        bar=at,
        symbol=np.zeros(len(at), dtype=np.int64),
        y=y,
        end=at + 2,
        ohlcv=np.abs(rng.normal(100, 1, (N, 5))),
        context=at,
        sequence=sequence,
    )


TRAIN, TEST = np.arange(0, 200), np.arange(210, 260)


def step(name, **params):
    return Step(Reference("transform", name, TRANSFORMS), params)


def chain(*steps, columns=(0, 1, 2), name=""):
    return Chain(name, columns, steps)


def task(model="logistic", chains=(), **more):
    return FitTask(model, 0, Reference("model", model, MODELS), {}, 1, 1, True, transforms=tuple(chains), **more)


def data(dataset, **more):
    return FitData(dataset, (Fold(0, 0, N, TRAIN, TEST, **more),))


def test_a_mean_is_that_of_the_training_rows_whatever_lies_outside(dataset):
    outside = dataset.X.copy()
    outside[200:] *= 1000
    for some in (dataset, replace(dataset, X=outside)):
        learnt = learn_transforms([chain(step("z-score"))], ROWS, some, TRAIN)
        np.testing.assert_allclose(learnt.states[0][0]["centre"], dataset.X[TRAIN].mean(axis=0, dtype=np.float64))
    seen = learnt.rows(dataset, ROWS, (TRAIN, TEST))
    np.testing.assert_allclose(seen.X[TRAIN].std(axis=0), 1, rtol=1e-5)
    assert np.isnan(seen.X[200:210]).all()  # neither trained on nor predicted
    assert seen.feature_names == NAMES
    assert not np.isnan(dataset.X).any()


def test_of_windows_the_mean_is_that_over_all_windows_and_their_bars(dataset):
    learnt = learn_transforms([chain(step("z-score"))], WINDOWS, dataset, TRAIN)
    windows = inputs_of(WINDOWS, dataset, TRAIN, TRAIN).astype(np.float64).reshape(-1, 3)
    np.testing.assert_allclose(learnt.states[0][0]["centre"], windows.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(learnt.states[0][0]["scale"], windows.std(axis=0), rtol=1e-9)
    seen = inputs_of(WINDOWS, learnt.rows(dataset, WINDOWS, (TRAIN, TEST)), TEST, TRAIN)
    raw = inputs_of(WINDOWS, dataset, TEST, TRAIN)
    np.testing.assert_allclose(seen, (raw - windows.mean(axis=0)) / windows.std(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(seen, learnt.turned(raw))


def test_columns_keep_their_places_and_new_ones_come_last_by_their_names(dataset):
    chains = [chain(step("z-score"), step("pca", components=2), columns=(0, 2), name="volume")]
    learnt = learn_transforms(chains, ROWS, dataset, TRAIN)
    seen = learnt.rows(dataset, ROWS, (TRAIN,))
    assert seen.feature_names == ("b", "volume_pca_1", "volume_pca_2")
    assert learnt.renames
    np.testing.assert_array_equal(seen.X[TRAIN][:, 0], dataset.X[TRAIN][:, 1])
    twice = replace(dataset, feature_names=("a", "volume_pca_1", "c"))
    with pytest.raises(quorate.FitError, match="two columns would be called 'volume_pca_1'"):
        learnt.rows(twice, ROWS, (TRAIN,))


def test_a_frame_keeps_its_categories(dataset):
    codes = np.arange(len(dataset), dtype=np.int32)[:, None] % 2
    told = replace(dataset, categories=Categories(("side",), (("x", "y"),), codes))
    spec = replace(ROWS, categories=True)
    learnt = learn_transforms([chain(step("z-score"), columns=(1,))], spec, told, TRAIN)
    frame = inputs_of(spec, learnt.rows(told, spec, (TRAIN,)), TRAIN, TRAIN)
    other = learnt.turned(inputs_of(spec, told, TRAIN, TRAIN))
    assert list(frame.columns) == [*NAMES, "side"]
    assert frame.equals(other)
    assert abs(frame["b"].mean()) < 1e-5


def test_a_rows_value_does_not_depend_on_how_many_are_turned_with_it(dataset):
    learnt = learn_transforms([chain(step("z-score"), step("pca", components=2))], ROWS, dataset, TRAIN)
    every = learnt.turned(dataset.X)
    for rows in (slice(1), slice(17), slice(100, 170)):
        np.testing.assert_array_equal(learnt.turned(dataset.X[rows]), every[rows])


def test_what_is_held_back_for_early_stopping_is_not_learnt_from(dataset, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "quorate.execution.reading.learn_transforms", lambda *given: seen.append(given[3]) or learn_transforms(*given)
    )

    class Patient:
        def fit(self, X, y, validation):
            self.held = validation

        def predict(self, X):
            return np.full(len(X), 0.5)

    spec = quorate.ModelSpec("rows", Patient, task="regression", validation=0.25)
    held = task(chains=[chain(step("z-score"))])
    held = replace(held, plugin=Reference("model", "rows", "", inline=spec))
    assert run_fit(held, data(dataset)).error == ""
    train = seen[-1]  # learnt again, if the first fit loaded a library
    assert len(train) < 152
    assert dataset.end[train].max() < dataset.bar[150]


def test_a_fit_says_which_features_a_transform_failed_on(dataset):
    failed = run_fit(task(chains=[chain(step("log1p"), columns=(1, 2))]), data(dataset))
    assert "column 1 (c) goes down to" in failed.error
    assert "(of the features b, c)" in failed.error


def test_rows_that_tell_of_each_other_stop_the_fit(dataset):
    def batch(X, learnt):
        return X - X.mean(axis=0)

    spec = quorate.TransformSpec("batch", lambda X, counts: {}, apply=batch)
    leaking = Chain("", (0, 1, 2), (Step(Reference("transform", "batch", "", inline=spec), {}),))
    failed = run_fit(task(chains=[leaking]), data(dataset))
    assert "transform 'batch': a row's values depend on the rows beside it" in failed.error
    assert task(chains=[leaking]).inline
    assert not task().inline
    keeps = replace(ROWS, state_dict=vars, load_state_dict=print)
    assert "an inline plugin may hold what no key can tell" in why_not(keeps, task(chains=[leaking]))
    assert why_not(keeps, task(chains=[chain(step("z-score"))])) is None


def test_transforms_are_part_of_the_key_and_without_them_it_is_what_it_was(dataset):
    fits = {
        "none": task(),
        "z-score": task(chains=[chain(step("z-score"))]),
        "of two": task(chains=[chain(step("z-score"), columns=(0, 1))]),
        "clip": task(chains=[chain(step("clip"))]),
        "clip 3": task(chains=[chain(step("clip", high=3.0))]),
        "said": task(chains=[chain(step("clip", high=5.0))]),
    }
    keyed = {name: with_keys([one], data(dataset))[0] for name, one in fits.items()}
    keys = {name: one.key for name, one in keyed.items()}
    assert keys.pop("said") == keys["clip"]  # what is the default anyway
    assert len(set(keys.values())) == 5
    assert keyed["none"].transforms == ()
    assert all(s.code for c in keyed["clip"].transforms for s in c.steps)
    changed = replace(keyed["clip"].transforms[0].steps[0], code="other")
    other = replace(keyed["clip"], transforms=(chain(changed),))
    assert "the code of transform 'clip'" in run_fit(other, data(dataset)).error


@pytest.mark.full
def test_a_kept_model_predicts_the_same_with_what_its_transforms_have_learnt(dataset):
    whole = data(dataset)
    chains = [chain(step("robust"), columns=(0,)), chain(step("z-score"), step("pca"), columns=(1, 2), name="x")]
    one = task(chains=chains)
    kept = learn(whole, one, 120.0)
    assert [name for name in kept.state.arrays if name.startswith(transforms.PREFIX)] == [
        "scaler.transforms.0.0.centre",
        "scaler.transforms.0.0.scale",
        "scaler.transforms.1.0.centre",
        "scaler.transforms.1.0.scale",
        "scaler.transforms.1.1.mean",
        "scaler.transforms.1.1.directions",
    ]
    np.testing.assert_array_equal(forecast(whole, one, kept.state, 120.0), kept.predictions)
    np.testing.assert_array_equal(run_fit(one, whole).predictions, kept.predictions)
    bent = {n: a * (2 if n == "scaler.transforms.0.0.scale" else 1) for n, a in kept.state.arrays.items()}
    other = forecast(whole, one, State(bent, kept.state.values), 120.0)
    assert (other != kept.predictions).any()
    with pytest.raises(quorate.FitError, match="of other transforms"):
        restored_transforms(chains[:1], kept.state)


def test_features_are_shuffled_before_they_are_turned(dataset):
    orders = np.random.default_rng(0).permutation(len(TEST))[None]
    chains = [chain(step("z-score"), step("pca", components=2), columns=(0, 1), name="x")]
    asked = data(dataset, shuffles=Shuffles(((0,), (2,)), orders))
    found = run_fit(task("lightgbm", chains), asked)
    assert found.error == ""
    # By hand: the feature's values in that order, everything else as it was.
    X = dataset.X.copy()
    X[TEST, 0] = X[TEST[orders[0]], 0]
    again = run_fit(task("lightgbm", chains), data(replace(dataset, X=X)))
    np.testing.assert_array_equal(found.outputs["shuffled/0/0"], again.predictions)
    assert not [name for name in found.outputs if name.startswith("contribution")]  # of what features, nobody knows
    kept = run_fit(task("lightgbm", [chain(step("z-score"))]), asked)
    assert [name for name in kept.outputs if name.startswith("contribution")]


@pytest.mark.parametrize(
    "answer, said",
    [
        ([1, 2], "must give a mapping of names to arrays; it gave list"),
        ({"a b": 1.0}, "by names that are words; one was 'a b'"),
        ({"mean": "three"}, "arrays of numbers; 'mean' is <U5"),
        ({"mean": np.nan}, "must learn finite numbers; 'mean' holds nan"),
    ],
)
def test_what_is_no_state_is_told(answer, said):
    spec = quorate.TransformSpec("one", lambda X, counts: answer, apply=lambda X, learnt: X)
    with pytest.raises(quorate.FitError, match=said):
        transforms.learn(spec, np.zeros((3, 1), dtype=np.float32), np.ones(3, dtype=np.int64), {})


def test_a_spec_needs_what_turns_rows():
    with pytest.raises(quorate.PluginError, match="apply is missing"):
        quorate.TransformSpec("one", lambda X, counts: {})
    with pytest.raises(quorate.PluginError, match="renames must be a word"):
        quorate.TransformSpec("one", lambda X, counts: {}, apply=lambda X, learnt: X, renames="new columns")


def test_what_a_transform_draws_is_the_same_alone_and_among_fits_that_are_made_together(dataset):
    def jitter(X, counts):
        return {"shift": np.random.normal(size=X.shape[1])}

    drawn = quorate.TransformSpec("jitter", jitter, apply=lambda X, learnt: X * (1 + learnt["shift"]))
    chains = (chain(Step(Reference("transform", "jitter", "", inline=drawn), {})),)
    plugin = Reference("model", "a", "tests.support.stacks", inline=stacks.spec_of("a"))
    folds = tuple(replace(data(dataset).folds[0], index=n, train=TRAIN[: 150 + n]) for n in range(3))
    shared = FitData(dataset, folds)
    some = [FitTask("a", n, plugin, {}, 7, 1, False, together=True, transforms=chains) for n in range(3)]
    stacks.CALLS.clear()
    found = list(run_fits(some, shared))
    assert stacks.CALLS == [3]
    for one, fit in zip(some, found, strict=True):
        assert fit.error == ""
        np.testing.assert_array_equal(fit.predictions, run_fit(one, shared).predictions)
    plain = next(run_fits([replace(some[0], transforms=())], shared))
    assert (found[0].predictions != plain.predictions).all()
