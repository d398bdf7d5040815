"""All benchmarks: each figure against its aim and what is kept of it, and the README's table of them.

python tests/benchmarks/bench.py [--quick] [--repeats 3] [--only start-up,nasdaq] [--accept]
"""

from __future__ import annotations

import bench_backtest
import bench_commands
import bench_execution
import bench_features
import bench_files
import bench_serving
import bench_size
import bench_store
import bench_sweep
import bench_window
from figures import bench

MODULES = (
    bench_commands,
    bench_execution,
    bench_backtest,
    bench_features,
    bench_files,
    bench_serving,
    bench_size,
    bench_store,
    bench_sweep,
    bench_window,
)

if __name__ == "__main__":
    bench({name: part for module in MODULES for name, part in module.PARTS.items()}, __doc__)
