"""What a run of the size that is described takes: 16 regressions, 10 thresholds, 2,201 daily bars."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

GRID = Path(__file__).parents[1] / "benchmarks" / "grid.toml"
MOST = 3 * 1024  # MiB


@pytest.mark.full
def test_a_grid_on_2201_days_stays_below_3_gib_with_its_workers(tmp_path):
    run = [sys.executable, "-m", "quorate", "run", str(GRID), "--home", str(tmp_path / "home"), "--json"]
    told = json.loads(subprocess.run(run, check=True, capture_output=True, cwd=tmp_path).stdout)
    took = told["telemetry"]
    assert took["fits"] == 80
    fits = took["stage_use"]["fits"]
    assert fits["total_memory_mib"] > fits["peak_memory_mib"]  # workers are in
    assert max(use["total_memory_mib"] for use in took["stage_use"].values()) == took["total_memory_mib"] < MOST
