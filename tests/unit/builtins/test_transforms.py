"""Built-in transforms: the numbers of scikit-learn, what counted rows do, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.errors import FitError
from quorate.execution.transforms import learn, turn
from quorate.plugins.registry import Registry
from quorate.plugins.specs import TransformSpec


@pytest.fixture(scope="module")
def specs():
    registry = Registry.load(environment=False)
    return {name: registry.get(TransformSpec, name) for name in registry.names("transform")}


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(4)
    return (rng.normal(0, 1, (500, 3)) * (0.01, 2, 300) + (1, 0, -50)).astype(np.float32)


def both(spec, X, counts=None, **options):
    counts = np.ones(len(X), dtype=np.int64) if counts is None else counts
    state = learn(spec, X, counts, options)
    return state, turn(spec, X, state)


@pytest.mark.parametrize(
    "name, made",
    [
        ("z-score", lambda p: p.StandardScaler()),
        ("min-max", lambda p: p.MinMaxScaler()),
        ("robust", lambda p: p.RobustScaler(quantile_range=(5, 95))),
    ],
)
def test_scaling_is_that_of_scikit_learn_column_by_column(specs, X, name, made):
    from sklearn import preprocessing

    _, found = both(specs[name], X)
    for j in range(X.shape[1]):
        expected = made(preprocessing).fit_transform(X[:, [j]].astype(np.float64))
        np.testing.assert_allclose(found[:, [j]], expected, atol=1e-6, rtol=1e-6)


def test_a_column_that_never_varies_has_scale_one(specs):
    still = np.full((40, 2), 0.1, dtype=np.float32)
    still[:, 1] = np.arange(40)
    for name in ("z-score", "min-max", "robust"):
        state, found = both(specs[name], still)
        assert state["scale"][0] == 1
        assert abs(found[:, 0]).max() < 1e-6


@pytest.mark.parametrize("components", [2, 0.9])
def test_components_are_those_of_scikit_learn_but_for_the_sign(specs, X, components):
    from sklearn.decomposition import PCA

    _, scaled = both(specs["z-score"], X)
    state, found = both(specs["pca"], scaled, components=components)
    other = PCA(components, svd_solver="full").fit(scaled.astype(np.float64))
    assert state["directions"].shape[1] == other.n_components_
    np.testing.assert_allclose(abs(found), abs(other.transform(scaled.astype(np.float64))), atol=1e-5)
    assert (state["directions"][abs(state["directions"]).argmax(axis=0), range(found.shape[1])] > 0).all()


def test_the_least_share_of_variance_decides_how_many_components_there_are(specs):
    rng = np.random.default_rng(0)
    X = (rng.normal(0, 1, (4000, 3)) * (3, 1, 0.1)).astype(np.float32)
    widths = [both(specs["pca"], X, components=share)[1].shape[1] for share in (0.5, 0.95, 0.9995)]
    assert widths == [1, 2, 3]


def test_logarithms(specs):
    X = np.array([[-3.0], [0.0], [1e6]], dtype=np.float32)
    np.testing.assert_allclose(both(specs["sign-log"], X)[1][:, 0], (-np.log(4), 0, np.log1p(1e6)), rtol=1e-6)
    np.testing.assert_allclose(both(specs["log1p"], abs(X))[1][:, 0], (np.log(4), 0, np.log1p(1e6)), rtol=1e-6)
    with pytest.raises(FitError, match=r"column 0 goes down to -3: sign-log takes any"):
        both(specs["log1p"], X)


def test_ranks_become_normal_and_later_values_stay_within(specs):
    X = np.exp(np.random.default_rng(1).normal(0, 3, (2000, 1))).astype(np.float32)
    state, found = both(specs["rank-normal"], X)
    assert abs(found.mean()) < 0.01
    assert abs(found.std() - 1) < 0.02
    later = turn(specs["rank-normal"], np.array([[-1e9], [1e9]], dtype=np.float32), state)
    np.testing.assert_allclose(later[:, 0], (found.min(), found.max()))


@pytest.mark.parametrize(
    "name, options, said",
    [
        ("pca", {"components": 4}, "components must be 1 to 3, the number of columns; it was 4"),
        ("pca", {"components": 1.5}, "or a share between 0 and 1; it was 1.5"),
        ("clip", {"low": 2.0, "high": 1.0}, "low must be below high; they were 2 and 1"),
        ("robust", {"low": 0.9, "high": 0.1}, "must be shares, 0 <= low < high <= 1; they were 0.9 and 0.1"),
        ("rank-normal", {"points": 2}, "points must be 3 or more; it was 2"),
    ],
)
def test_options_that_cannot_be_are_told(specs, X, name, options, said):
    with pytest.raises(FitError, match=said):
        both(specs[name], X, **options)
