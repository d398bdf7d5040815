"""The key of a fit: another one whenever the result may be another, the same one whenever it cannot be."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from quorate.dataset.categories import Categories
from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.rows import Dataset
from quorate.execution import key as keys
from quorate.execution.fit import run_fit
from quorate.execution.key import with_keys
from quorate.execution.task import FitData, FitTask
from quorate.plugins.local import LocalSource
from quorate.plugins.provider import Reference
from quorate.plugins.specs import ModelSpec

N_TRAIN, N_TEST, LOOKBACK = 400, 60, 4
BUILT_IN = "quorate_plugins.models"
PLUGIN = """
import numpy as np
import quorate


class Model:
    def __init__(self, answer=0.25):
        self.answer = answer

    def fit(self, X, y, **validation):
        return self

    def predict(self, X):
        return self.answer + 0 * X.reshape(len(X), -1).sum(axis=1)

    def predict_proba(self, X):
        p = self.predict(X)
        return np.column_stack((1 - p, p))


def closed(answer=0.25):
    return Model(answer)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("sort", Model)
    yield quorate.ModelSpec("closed", closed)
    yield quorate.ModelSpec("bars", Model, input="bars", lookback=4)
    yield quorate.ModelSpec("windows", Model, input="windows", lookback=4)
    yield quorate.ModelSpec("tail", Model, validation=0.2)
    yield quorate.ModelSpec("texts", Model, categories=True)
"""
LOCAL = LocalSource(Path("plugin.py"), PLUGIN)


def make_dataset(n_bars=N_TRAIN + N_TEST, symbols=1, seed=0):
    """Rows by bar and symbol; a symbol's numbers do not depend on how many bars there are."""
    rngs = [np.random.default_rng([seed, k]) for k in range(symbols)]
    X = np.stack([rng.normal(size=(1000, 5))[:n_bars] for rng in rngs], axis=1).astype(np.float32)
    y = (X[..., 0] > 0).astype(np.float64)
    ohlcv = np.stack([100 * np.exp(np.cumsum(rng.normal(0, 0.01, (1000, 5)), axis=0)) for rng in rngs])
    bar = np.repeat(np.arange(n_bars), symbols)
    symbol = np.tile(np.arange(symbols), n_bars)
    long = n_bars + LOOKBACK
    return Dataset(
        X.reshape(-1, 5),
        tuple("abcde"),
        bar,
        symbol,
        y.ravel(),
        np.minimum(bar + 2, NEVER),
        ohlcv[:, :long].reshape(-1, 5),
        symbol * long + bar + LOOKBACK,
        np.concatenate(
            [np.vstack([np.full((LOOKBACK, 5), np.nan), X[:, k]]) for k in range(symbols)], dtype=np.float32
        ),
    )


def fold_at(index, train=N_TRAIN, test=N_TEST, symbols=1):
    rows = np.arange((train + test) * symbols)
    return Fold(index, train, train + test, rows[: (train - 2) * symbols], rows[train * symbols :])


DATA = FitData(make_dataset(), (fold_at(0),))


def task(name="sort", fold=0, seed=1, threads=1, binary=True, device="cpu", **params):
    local = LOCAL if name in PLUGIN else None
    return FitTask(name, fold, Reference("model", name, BUILT_IN, local), params, seed, threads, binary, device)


def fit_keys(tasks, data):
    return [one.key for one in with_keys(tasks, data)]


def key(one=None, data=DATA):
    [found] = with_keys([one or task()], data)
    assert len(found.key) == len(found.code) == 64
    return found.key


def altered(**arrays):
    return FitData(replace(DATA.dataset, **arrays), DATA.folds)


def bumped(array, row):
    changed = array.copy()
    changed[row] += 1
    return changed


def edited(text=PLUGIN + "\n# edited\n"):
    return replace(task(), plugin=Reference("model", "sort", "", LocalSource(LOCAL.path, text)))


CHANGES = {
    "a parameter": lambda: (task(answer=0.26), DATA),
    "the seed": lambda: (task(seed=2), DATA),
    "the threads": lambda: (task(threads=2), DATA),
    "the device": lambda: (task(device="cuda"), DATA),
    "the kind of label": lambda: (task(binary=False), DATA),
    "a training row": lambda: (task(), altered(X=bumped(DATA.dataset.X, 0))),
    "a training label": lambda: (task(), altered(y=1 - DATA.dataset.y)),
    "a test row": lambda: (task(), altered(X=bumped(DATA.dataset.X, N_TRAIN))),
    "fewer training rows": lambda: (
        task(),
        FitData(DATA.dataset, (replace(DATA.folds[0], train=np.arange(N_TRAIN - 3)),)),
    ),
    "the model": lambda: (task("closed"), DATA),
    "the plugin's text": lambda: (edited(), DATA),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_key_changes_with_everything_a_prediction_depends_on(change):
    assert key(*change()) != key()


@pytest.mark.parametrize("name", ["bars", "windows"])
def test_the_key_of_a_model_that_reads_several_bars_covers_the_first_of_them_and_none_before(name):
    column = {"bars": "ohlcv", "windows": "sequence"}[name]
    base = key(task(name))
    first = int(DATA.dataset.context[0]) - LOOKBACK + 1
    source = np.nan_to_num(getattr(DATA.dataset, column))
    clean = altered(**{column: source})
    assert key(task(name), altered(**{column: bumped(source, first)})) != key(task(name), clean)
    assert key(task(name), altered(**{column: bumped(source, first - 1)})) == key(task(name), clean)
    assert key(task(name), altered(X=bumped(DATA.dataset.X, 0))) == base


def test_the_key_of_a_model_with_a_validation_tail_covers_where_the_tail_begins():
    later = altered(end=DATA.dataset.end + 1)
    assert key(task("tail"), later) != key(task("tail"))
    assert key(task(), later) == key(task())


def test_the_key_of_a_model_that_takes_categories_covers_the_texts_of_its_rows_and_no_others():
    codes = np.arange(len(DATA.dataset), dtype=np.int32)[:, None] % 3
    longer = FitData(make_dataset(N_TRAIN + N_TEST + 1), (fold_at(0),))

    def told(levels, codes=codes, data=DATA, name="texts"):
        more = np.vstack([codes, [[len(levels) - 1]]])[: len(data.dataset)].astype(np.int32)
        return key(
            task(name), FitData(replace(data.dataset, categories=Categories(("c",), (levels,), more)), data.folds)
        )

    base = told(tuple("abc"))
    assert told(tuple("abd")) != base != key(task("texts"))
    assert told(tuple("abc"), bumped(codes, 0)) != base
    assert told(tuple("abcz"), data=longer) == base  # the fold does not read the last row
    assert told(tuple("0abc"), codes + 1) == base
    assert told(tuple("abc"), name="sort") == told(tuple("abd"), name="sort") == key()


@pytest.mark.parametrize("name", ["sort", "bars", "windows", "tail"])
@pytest.mark.parametrize("symbols", [1, 3])
def test_more_bars_change_no_key_of_an_earlier_fold(name, symbols):
    folds = [fold_at(k, train, N_TEST, symbols) for k, train in enumerate((200, 260, 320))]
    tasks = [task(name, k) for k in range(3)]
    before = fit_keys(tasks, FitData(make_dataset(390, symbols), tuple(folds)))
    folds[2] = fold_at(2, 320, N_TEST + 21, symbols)
    after = fit_keys(tasks, FitData(make_dataset(411, symbols), tuple(folds)))
    assert before[:2] == after[:2]
    assert before[2] != after[2]
    assert len({*before, *after}) == 4


def test_the_key_does_not_change_with_what_a_prediction_does_not_depend_on():
    moved = FitData(DATA.dataset, (fold_at(0, 100), fold_at(7)))
    later = altered(y=np.where(np.arange(len(DATA.dataset)) < N_TRAIN, DATA.dataset.y, np.nan))
    assert key(task(fold=7), moved) == key(task(), later) == key(replace(task(), model="renamed")) == key()
    assert key(replace(task(), memory=1 << 30)) == key()


def test_the_keys_of_many_tasks_are_those_of_each():
    data = FitData(DATA.dataset, (fold_at(0, 100), fold_at(1, 200), fold_at(2, 300)))
    tasks = [task(name, fold) for name in ("sort", "closed", "bars") for fold in range(3)]
    together = fit_keys(tasks, data)
    assert together == [key(one, data) for one in tasks]
    assert len(set(together)) == 9


def installed(monkeypatch, version=None, distribution=None, **spec):
    """Return a task whose model is of an installed module."""
    module = ModuleType("installed_plugin")
    module.quorate_models = lambda: iter([ModelSpec("sort", **spec)])
    monkeypatch.setitem(sys.modules, "installed_plugin", module)
    reference = Reference("model", "sort", "installed_plugin", None, None, distribution, version)
    return replace(task(), plugin=reference)


def test_the_key_changes_with_what_is_asked_of_an_installed_model(monkeypatch):
    factory = "sklearn.linear_model:LogisticRegression"
    found = set()
    for kind in ("classification", "regression"):
        one = installed(monkeypatch, function=factory, task=kind)
        assert run_fit(one, DATA).error == ""
        found.add(key(one))
    assert len(found) == 2


def test_the_key_changes_with_which_factory_of_a_module_is_named(monkeypatch):
    names = ("lightgbm", "xgboost", "catboost")
    assert len({key(installed(monkeypatch, function=f"{BUILT_IN}.trees:{name}")) for name in names}) == 3


def test_the_key_changes_with_the_version_of_a_plugins_package_but_not_of_this_one(monkeypatch):
    factory = "sklearn.linear_model:LogisticRegression"
    other = {key(installed(monkeypatch, v, "someone-elses", function=factory)) for v in ("1.0", "1.1")}
    own = {key(installed(monkeypatch, v, "quorate", function=factory)) for v in ("1.0", "1.1")}
    assert (len(other), len(own)) == (2, 1)


@pytest.mark.parametrize("what", ["scikit-learn", "numpy", "scipy"])
def test_the_key_changes_with_the_version_of_a_library(monkeypatch, what):
    before = key(task("logistic"))
    known = keys.version
    monkeypatch.setattr(keys, "version", lambda name: "9.9" if name == what else known(name))
    assert key(task("logistic")) != before


def test_the_key_changes_with_the_kind_of_processor(monkeypatch):
    before = key()
    monkeypatch.setattr(keys, "machine", lambda: {"cpu": "another"})
    assert key() != before


def test_a_fit_whose_code_is_other_than_the_keys_is_refused():
    [sound] = with_keys([task()], DATA)
    assert run_fit(sound, DATA).error == ""
    assert "is not what it was when the run began" in run_fit(replace(sound, code="0" * 64), DATA).error


def test_where_an_argument_lies_in_memory_is_in_no_key():
    def one(base):
        return base

    again = type(one)(one.__code__, one.__globals__, one.__name__)
    again.__qualname__ = one.__qualname__
    assert keys.name_of(partial(one, base=one)) == keys.name_of(partial(one, base=again))
    assert keys.name_of(partial(one, base=one)) != keys.name_of(partial(one, base=dict))


def test_the_labels_task_is_in_the_key_where_a_factory_is_told_another_than_its_default():
    data = FitData(
        make_dataset(), (Fold(0, N_TRAIN, N_TRAIN + 60, np.arange(N_TRAIN), np.arange(N_TRAIN, N_TRAIN + 60)),)
    )
    told = {name: {"task": name} for name in ("classification", "regression")}
    plain = FitTask("xgboost", 0, Reference("model", "xgboost", BUILT_IN), {}, 1, 1, True)
    untold, classes, numbers = (
        with_keys([replace(plain, params=params, binary=binary)], data)[0].key
        for params, binary in (({}, True), (told["classification"], True), (told["regression"], False))
    )
    assert untold == classes  # as before there was a choice
    assert numbers != classes
