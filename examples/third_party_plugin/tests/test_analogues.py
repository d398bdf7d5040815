"""What the kit cannot know: that the plugins do what this package says they do."""

import numpy as np
import pytest
from quorate_analogues.features import since_shock
from quorate_analogues.model import PRIORS, Analogues

import quorate


def test_what_followed_the_same_stretch_is_expected_again():
    rng = np.random.default_rng(3)
    patterns = rng.normal(size=(2, 5, 3)).astype(np.float32)
    y = rng.integers(0, 2, 400)
    X = patterns[y] + rng.normal(scale=0.05, size=(400, 5, 3)).astype(np.float32)
    p = Analogues(neighbours=30).fit(X, y).predict_proba(patterns)[:, 1]
    assert p[0] < 0.4 < 0.6 < p[1]


def test_the_pull_towards_the_mean_is_chosen_by_the_validation_rows():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(500, 5, 3)), rng.integers(0, 2, 500)
    noise = rng.normal(size=(300, 5, 3)), rng.integers(0, 2, 300)
    assert Analogues().fit(X, y, validation=noise).prior_ == max(PRIORS)
    assert Analogues().fit(X, y, validation=(X, y)).prior_ < max(PRIORS)


@pytest.mark.parametrize("wrong", [{"neighbours": 0}, {"fading": 0.0}, {"fading": 1.5}])
def test_a_parameter_out_of_range_is_an_error(wrong):
    with pytest.raises(ValueError, match="neighbours must be at least 1 and fading"):
        Analogues(**wrong).fit(np.zeros((9, 5, 1)), np.arange(9) % 2)


def test_the_feature_counts_the_bars_since_a_large_move():
    change = np.where(np.arange(300) % 2, 0.01, -0.01)
    change[150] = 0.2
    close = 100 * np.cumprod(1 + change)[:, None]
    value = since_shock(close, size=3.0, usual=20, longest=60)[:, 0]
    assert np.isnan(value[:80]).all()
    np.testing.assert_allclose(value[80:150], 1.0)
    np.testing.assert_allclose(value[150:210], np.arange(60) / 60)
    np.testing.assert_allclose(value[210:], 1.0)


def test_after_its_last_bar_a_symbol_has_no_value(quorate_panel):
    close = np.vstack((quorate_panel.close[-200:], np.full((5, 2), np.nan)))
    assert np.isnan(since_shock(close, 2.0, 20, 60)[-5:]).all()


def test_a_run_with_both(quorate_home):
    report = quorate.run("analogues")
    assert report.predictions["member/analogues"].between(0, 1).all()
    assert "since_shock_2" in report.provenance["features"]
    used = {(p["kind"], p["name"]): p["provider"] for p in report.provenance["plugins"]}
    assert used["model", "analogues"] == used["feature", "since_shock_2"] == "quorate-analogues"
    assert quorate_home.is_dir()
