"""Digests of history: the same whatever comes later, and another as soon as one price is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.bars.digest import history_digest, history_digests
from quorate.bars.panel import Bars
from support.bar_files import FIELDS, walk


def _bars(n: int = 40) -> Bars:
    frames = [
        walk(n, seed)[FIELDS].assign(symbol=name, time=pd.date_range("2020-01-01", periods=n, tz="UTC"))
        for seed, name in enumerate(("A", "B"))
    ]
    return Bars.from_frame(pd.concat(frames), "24x7")


BARS = _bars()


@settings(max_examples=10, deadline=None)
@given(stop=st.integers(1, 40))
def test_a_prefix_has_the_digest_that_it_had_alone(stop: int) -> None:
    assert history_digests(BARS, [stop]) == [history_digest(BARS.take(0, stop))]
    assert history_digests(BARS, range(1, 41))[stop - 1] == history_digest(BARS.take(0, stop))
    assert history_digest(BARS.take(stop - 1, 40), after=BARS) == history_digest(BARS)


@settings(max_examples=10, deadline=None)
@given(bar=st.integers(0, 39), symbol=st.sampled_from(["A", "B"]), field=st.sampled_from(["close", "volume"]))
def test_one_value_changes_it_from_its_bar_on(bar: int, symbol: str, field: str) -> None:
    frame = BARS.to_frame()
    row = np.flatnonzero((frame["symbol"] == symbol) & (frame["time"] == pd.Timestamp(BARS.times[bar], tz="UTC")))[0]
    frame.loc[frame.index[row], field] *= 1 + 1e-6
    if field == "close":
        frame["high"] = frame[["high", "close"]].max(axis=1)
    other = Bars.from_frame(frame, "24x7")
    one, two = history_digests(BARS, range(1, 41)), history_digests(other, range(1, 41))
    assert [a == b for a, b in zip(one, two, strict=True)] == [place < bar for place in range(40)]
