"""A registered version, bars that come after it, and forecasts of them that were recorded in time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.digest import history_digests
from quorate.bars.panel import Bars
from quorate.execution.progress import Progress
from quorate.runs.loaded import load_report
from quorate.runs.models import models_of
from quorate.runs.registering import Version
from quorate.runs.stored import reopen
from quorate.serving import record as recording
from quorate.serving.forecaster import Forecaster
from quorate.serving.record import ForwardRecord, forecast_entry
from quorate_data.files import csv
from support.homes import recipe

EASY = {
    "preset": "headline",
    "sharpe": {"threshold": -50.0},
    "max-drawdown": {"threshold": 0.99},
    "win-rate": {"threshold": 0.01},
    "sample-size": {"trades": 1, "least_trades": 1, "bars": 20},
}
JUDGED, FORWARD = 700, 160


def market(after: float, seed: int = 5) -> pd.DataFrame:
    """Return bars in which a move is followed by one of the same sign, and after those judged by `after` times that."""
    rng = np.random.default_rng(seed)
    n = JUDGED + FORWARD
    moves = np.zeros(n)
    for t in range(1, n):
        share = 0.45 * (1.0 if t < JUDGED else after)
        moves[t] = share * moves[t - 1] + 0.01 * rng.standard_normal()
    close = 100 * np.exp(np.cumsum(moves))
    opened = np.concatenate(([100.0], close[:-1]))
    frame = pd.DataFrame(
        {
            "Date": pd.bdate_range("2020-01-02", periods=n).strftime("%Y-%m-%d"),
            "Open": opened,
            "High": np.maximum(opened, close) * 1.001,
            "Low": np.minimum(opened, close) * 0.999,
            "Close": close,
            "Volume": 1e6,
        }
    )
    return frame.round(6)


def make(folder: Path, *, versions: int = 1, after: float = 1.0) -> tuple[Path, Path]:
    """Make a home with versions of an ensemble, judged on the first bars; return it, and the file of all bars."""
    home, early, late = folder / "home", folder / "early" / "IDX.csv", folder / "late" / "IDX.csv"
    for path, frame in ((early, market(after)[:JUDGED]), (late, market(after))):
        path.parent.mkdir(parents=True)
        frame.to_csv(path, index=False)
    for number in range(versions):
        table = recipe("tiny") | {
            "data": {"source": "csv", "path": str(early), "calendar": "weekdays"},
            "features": {"use": ["return_1", "return_2"]},
            "models": {"logistic": {"C": 1.0 / (number + 1)}},
            "folds": {"initial": 250, "test": 100},
            "gates": EASY,
        }
        quorate.promote(quorate.run(table, home=home).run_id, home=home)
    quorate.ModelRegistry(home).stage("tiny@1", "champion", "first")
    return home, late


def bars_of(path: Path) -> Bars:
    """Return the bars of a file as recipes of `make` read them."""
    return csv(str(path), calendar="weekdays")


def record(
    home: Path,
    version: Version,
    bars: Bars,
    stops: range,
    patch: pytest.MonkeyPatch,
    hours: float = 1.0,
    sign: float = 1.0,
) -> None:
    """Record what a version forecasts at the last of so many bars, some hours after its close, times `sign`."""
    report = load_report(version.standing.run, home=version.path)
    forecaster = Forecaster(models_of(report, *reopen(report, Progress())))
    digests = dict(zip(stops, history_digests(bars, stops), strict=True))
    to = ForwardRecord(home)
    for stop in stops:
        forecast = forecaster.at(bars.take(0, stop))
        for one in forecast.symbols:
            one["weight"] *= sign
        moment = pd.Timestamp(bars.times[stop - 1]).to_pydatetime().replace(tzinfo=dt.UTC)
        patch.setattr(recording, "utc_now", lambda at=moment: at + dt.timedelta(hours=hours))
        to.commit(forecast_entry(version, forecast, served_by="test", bars=digests[stop]))
    patch.undo()
