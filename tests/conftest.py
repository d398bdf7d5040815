"""What tests share: small simulated runs, and a home that is thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest

SMALL = {
    "name": "small",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 150},
    "features": {"use": ["return_1", "return_2", "return_5", "zscore_20", "rsi_5", "volatility_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}, "lightgbm": {"n_estimators": 20}},
    "threshold": {"min_bars": 60},
}


@pytest.fixture
def small() -> dict[str, object]:
    """A recipe that takes about a second."""
    return {key: dict(value) if isinstance(value, dict) else value for key, value in SMALL.items()}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a test does by accident may touch a home outside its own folder."""
    monkeypatch.setenv("QUORATE_HOME", str(tmp_path / "home"))
