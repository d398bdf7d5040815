"""A fit runs on as many threads as it is told, also where its library is loaded by the fit itself."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PROBE = """
    import sys
    import numpy as np
    import quorate
    from quorate.dataset.rows import Dataset
    from quorate.execution.fit import run_fit
    from quorate.execution.task import FitData, FitTask
    from quorate.dataset.folds import Fold
    from quorate.plugins.local import LocalSource
    from quorate.plugins.provider import Reference
    from pathlib import Path

    source = LocalSource(Path("probe.py"), '''
    import numpy as np
    import quorate

    class Probe:
        def fit(self, X, y):
            import sklearn.ensemble, scipy.linalg
            from threadpoolctl import threadpool_info
            self.threads = max(pool["num_threads"] for pool in threadpool_info())
            self.draw = np.random.rand()
            return self

        def predict(self, X):
            return np.full(len(X), 0.1 * self.threads + 1e-6 * self.draw)

    @quorate.hookimpl
    def quorate_models():
        yield quorate.ModelSpec("probe", Probe, task="regression")
    ''')
    n = 40
    rows = np.arange(n)
    X = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    data = Dataset(X, ("a", "b", "c"), rows, rows * 0, (rows % 2).astype(float), rows + 2, np.ones((n, 5)), rows, X)
    task = FitTask("probe", 0, Reference("model", "probe", source.module_name, source), {}, 7, 1, True)
    result = run_fit(task, FitData(data, (Fold(0, 30, 40, rows[:28], rows[30:]),)))
    assert not result.error, result.error
    print(repr(float(result.predictions[0])))
"""


def probe() -> float:
    code = textwrap.dedent(PROBE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.full
def test_libraries_loaded_by_a_fit_are_limited_and_global_generators_seeded() -> None:
    first, second = probe(), probe()
    assert round(first, 4) == 0.1
    assert first == second
