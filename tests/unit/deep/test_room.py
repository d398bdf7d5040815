"""How many networks are trained at a time."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from quorate import Windows
from quorate_plugins.deep.models import dlinear, gru, tabm
from quorate_plugins.deep.room import MOST, at_once, bytes_of

BARS = np.random.default_rng(0).standard_normal((400, 5)).astype(np.float32)
LAST = np.arange(30, 400)
X, Y = Windows(BARS, LAST, 30, LAST * 0), BARS[LAST, 0].astype(float)


@pytest.mark.parametrize(
    ("make", "options", "most"),
    [(dlinear, {}, MOST), (gru, {"hidden": 32}, MOST), (gru, {"hidden": 128}, 5), (gru, {"hidden": 400}, 1)],
)
def test_on_a_cpu_the_weights_of_all_stay_in_a_cores_cache(make: Any, options: dict[str, Any], most: int) -> None:
    assert at_once(make(**options), X, Y, 0) == most


def test_no_more_are_trained_than_there_is_memory_for() -> None:
    model = gru(hidden=32)
    model.read_, model.centre_ = (5, 30), np.zeros(1)
    _, of_one = bytes_of(model, X, Y)
    assert at_once(gru(hidden=32), X, Y, 6 * of_one) == 4  # of 6 a part is left for libraries
    assert at_once(gru(hidden=32), X, Y, of_one // 2) == 1
    wide = Windows(BARS, LAST, 60, LAST * 0)
    wider = gru(hidden=32)
    wider.read_, wider.centre_ = (5, 60), np.zeros(1)
    assert 1.5 < bytes_of(wider, wide, Y)[1] / of_one < 2.5


def test_rows_that_are_no_windows_and_several_numbers_are_counted_too() -> None:
    assert 1 <= at_once(tabm(), BARS, np.zeros((len(BARS), 3)), 2**28) <= MOST


SCRIPT = """
import sys
import numpy as np
from quorate import Windows
from quorate.execution.resources import peak_memory
from quorate_plugins.deep import models
from quorate_plugins.deep.model import fit_together
from quorate_plugins.deep.room import bytes_of

bars = np.random.default_rng(0).standard_normal((1000, 10)).astype(np.float32)

def train(count, rows):
    last = np.arange(60, 60 + rows)
    X = Windows(bars, last, 60, last * 0)
    y = bars[last, 0].astype(float)
    nets = [getattr(models, sys.argv[1])(random_state=k, epochs=1) for k in range(count)]
    fit_together(nets, [(X, y)] * count, [(X[:300], y[:300])] * count)
    return nets[0], X, y

told = bytes_of(*train(1, 300))[1]
before = peak_memory()
train(8, 320)
print((peak_memory() - before) / 8 / told)
"""


@pytest.mark.full
@pytest.mark.parametrize("name", ["gru", "transformer", "cnn_gru"])
def test_what_a_lane_is_said_to_take_is_about_what_it_takes(name: str) -> None:
    told = subprocess.run([sys.executable, "-c", SCRIPT, name], capture_output=True, text=True, check=True, timeout=300)
    assert 0.3 < float(told.stdout) < 1.3
