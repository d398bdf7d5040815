"""Windows are never copied as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
from quorate import Windows
from quorate.execution.resources import peak_memory
from quorate_plugins.deep.models import dlinear

SYMBOLS, BARS, FEATURES, LOOKBACK, HELD = 500, 2500, 40, 60, 100_000
bars = np.random.default_rng(0).standard_normal((SYMBOLS * BARS, FEATURES), dtype=np.float32)
last = (np.arange(SYMBOLS)[:, None] * BARS + np.arange(LOOKBACK, BARS)).ravel()
X = Windows(bars, last, LOOKBACK, np.repeat(np.arange(SYMBOLS), BARS - LOOKBACK))
y = bars[last, 0].astype(float)
dlinear(epochs=1, batch_size=512).fit(X[:2000], y[:2000])
before = peak_memory()
dlinear(epochs=1, batch_size=512).fit(X[:-HELD], y[:-HELD], validation=(X[-HELD:], y[-HELD:]))
print((peak_memory() - before) / bars.nbytes)
"""


@pytest.mark.full
def test_five_hundred_symbols_take_less_than_half_their_features_more() -> None:
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=300)
    assert 0 < float(told.stdout) < 0.5
