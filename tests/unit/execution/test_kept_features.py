"""Features that are kept by their content: the same bytes, found again, and computed anew when anything differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import quorate
from quorate.execution import features as module
from quorate.execution.features import FeatureCache
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec
from quorate.recipe.schema import Recipe
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.store.kept import KeptArrays
from quorate.testing.markets import market
from quorate.walkforward import causality, layout

PLUGIN = """
import quorate


def gap(open, close, scale=1.0):
    return scale * (open / close - 1)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("my-gap", gap, inputs=("open", "close"), params={"scale": 2.0})
"""
LATE = """
import numpy as np
import quorate


def late(close):
    out = np.ones_like(close)
    out[:10] = np.nan
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("late", late)
"""
BARS = market(60, 2, 3)


def spec_in(folder: Path, text: str = PLUGIN) -> FeatureSpec:
    """Return the feature of a plugin file."""
    path = folder / f"gap_{abs(hash(text))}.py"
    path.write_text(text)
    registry = Registry.load()
    registry.add(path)
    return registry.get(FeatureSpec, "my-gap")


class Counted:
    """What computes a feature, and how often it was asked."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.times = values.astype(np.float32), 0

    def __call__(self) -> np.ndarray:
        self.times += 1
        return self.values


@pytest.fixture
def computed() -> Counted:
    return Counted(np.random.default_rng(0).normal(size=BARS.close.shape))


def test_a_second_asking_gives_the_same_bytes_and_computes_nothing(tmp_path, computed):
    spec = spec_in(tmp_path)
    for _ in range(2):
        found = FeatureCache(KeptArrays(tmp_path)).values(spec, BARS, computed)
        assert found.tobytes() == computed.values.tobytes()
    assert computed.times == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda spec, bars: (replace(spec, params={"scale": 3.0}), bars),
        lambda spec, bars: (replace(spec, lookback=2), bars),
        lambda spec, bars: (replace(spec, inputs=("close", "open")), bars),
        lambda spec, bars: (spec, bars.until(59)),
        lambda spec, bars: (spec, replace(bars, close=np.asfortranarray(bars.close * 1.0000001))),
    ],
    ids=["an option", "the lookback", "the inputs", "fewer bars", "a price"],
)
def test_what_a_value_depends_on_makes_another_key(tmp_path, change):
    spec, cache = spec_in(tmp_path), FeatureCache(KeptArrays(tmp_path))
    other, bars = change(spec, BARS)
    object.__setattr__(other, "provider", spec.provider)
    bars = quorate.Bars.from_frame(bars.to_frame())
    assert cache._key(other, bars) not in ("", cache._key(spec, BARS))


def test_other_code_makes_another_key(tmp_path):
    keys = {
        FeatureCache(KeptArrays(tmp_path))._key(spec_in(tmp_path, text), BARS)
        for text in (PLUGIN, PLUGIN + "# edited\n")
    }
    assert len(keys) == 2
    assert "" not in keys


def test_other_windows_make_another_key(tmp_path, monkeypatch):
    spec = spec_in(tmp_path)
    before = FeatureCache(KeptArrays(tmp_path))._key(spec, BARS)
    monkeypatch.setattr(module, "_windows", lambda: "others")
    assert FeatureCache(KeptArrays(tmp_path))._key(spec, BARS) != before


def test_a_feature_given_in_python_is_computed_each_time(tmp_path, computed):
    registry = Registry.load([FeatureSpec("mine", lambda close: close)])
    cache = FeatureCache(KeptArrays(tmp_path))
    for _ in range(2):
        cache.values(registry.get(FeatureSpec, "mine"), BARS, computed)
    assert (computed.times, len(KeptArrays(tmp_path))) == (2, 0)


def prepared(recipe: dict, home: Path, kept: KeptArrays | None) -> layout.WalkForward:
    session = open_session({"name": "kept", "models": {"logistic": {}}, **recipe}, home=home)
    assert isinstance(session.recipe, Recipe)
    bars = load_bars(session)
    return layout.prepare(session.recipe, session.registry, bars, [(0, len(bars))], kept)


RECIPE = {
    "data": {"source": "simulated", "n_bars": 500, "n_symbols": 2},
    "features": {"use": ["return_1", "macd", "volume_ratio_20"]},
    "folds": {"initial": 250, "test": 60},
}


def test_rows_of_kept_features_are_those_of_computed_ones(tmp_path, monkeypatch):
    plainly = prepared(RECIPE, tmp_path, None).dataset
    first = prepared(RECIPE, tmp_path, KeptArrays(tmp_path)).dataset

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("quorate.dataset.columns.computed", never)
    second = prepared(RECIPE, tmp_path, KeptArrays(tmp_path)).dataset
    assert plainly.X.tobytes() == first.X.tobytes() == second.X.tobytes()
    with pytest.raises(AssertionError, match="computed again"):
        prepared(RECIPE, tmp_path, None)


def test_what_was_not_audited_here_is_audited(tmp_path, monkeypatch):
    asked: list[bool] = []
    honest = causality.audit_rows
    monkeypatch.setattr(layout, "audit_rows", lambda *a, **k: (asked.append(a[2] is not None), honest(*a, **k)))
    cache = KeptArrays(tmp_path)
    prepared(RECIPE, tmp_path, cache)
    prepared(RECIPE, tmp_path, cache)
    prepared({**RECIPE, "folds": {"initial": 300, "test": 60}}, tmp_path, cache)
    prepared({**RECIPE, "features": {"use": ["return_1"]}}, tmp_path, cache)
    assert asked == [True, False, True, True]


def test_a_kept_feature_that_looks_ahead_is_still_refused(tmp_path):
    path = tmp_path / "ahead.py"
    path.write_text(
        "import numpy as np\nimport quorate\n\n\ndef ahead(close):\n    return np.vstack([close[1:], close[-1:]])\n\n\n"
        "@quorate.hookimpl\ndef quorate_features():\n    yield quorate.FeatureSpec('ahead', ahead)\n"
    )
    recipe = {**RECIPE, "plugins": [str(path)], "features": {"use": ["ahead"]}}
    for _ in range(2):  # what was computed may be kept, that it was sound is not
        with pytest.raises(quorate.IntegrityError, match="'ahead' looks ahead"):
            prepared(recipe, tmp_path, KeptArrays(tmp_path))


def test_a_kept_feature_is_checked_on_all_rows_that_are_used(tmp_path):
    path = tmp_path / "late.py"
    path.write_text(LATE)
    recipe = {**RECIPE, "plugins": [str(path)], "features": {"use": ["late", "return_20"]}}
    prepared(recipe, tmp_path, KeptArrays(tmp_path))  # beside a longer lookback it is defined where it is used
    with pytest.raises(quorate.PluginError, match="'late' must be finite from its 1th bar on"):
        prepared({**recipe, "features": {"use": ["late"]}}, tmp_path, KeptArrays(tmp_path))


def test_an_audit_is_of_the_rows_that_it_looked_at(tmp_path):
    spec, cache = spec_in(tmp_path), FeatureCache(KeptArrays(tmp_path))
    cache.note_audited([spec], BARS, 80, [30, 59])
    assert cache.audited([spec], BARS, 80, [30, 59])
    assert not cache.audited([spec], BARS, 100, [30, 59])  # models that need less history use more rows
    assert not cache.audited([spec], BARS, 80, [30])
