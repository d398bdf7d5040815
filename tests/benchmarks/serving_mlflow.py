"""How many answers a second MLflow's scoring server gives, for `load.py` to be held against.

    python tests/benchmarks/serving_mlflow.py --seconds 10

Its model is the mean of three LightGBM boosters on six features; each request is one row of features, another one each
time. So it is spared what `quorate serve` does for a new bar: features of a history, weights, threshold, strategy.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
from load import load, request, used

FEATURES = [f"f{k}" for k in range(6)]
SERVER = """
import sys, uvicorn, mlflow.pyfunc
from mlflow.pyfunc.scoring_server import init
app = init(mlflow.pyfunc.load_model(sys.argv[1]))
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
"""


def save(folder: Path) -> None:
    """Write the model as MLflow has it."""
    import lightgbm
    import mlflow.pyfunc

    class Mean(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def __init__(self, boosters: list[str]) -> None:
            self.texts = boosters

        def load_context(self, context: object) -> None:
            self.boosters = [lightgbm.Booster(model_str=text) for text in self.texts]

        def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> np.ndarray:
            return np.mean([one.predict(model_input.to_numpy(), num_threads=1) for one in self.boosters], axis=0)

    chance = np.random.default_rng(7)
    X, y = chance.normal(size=(2000, 6)), chance.normal(size=2000)
    options = {"verbose": -1, "num_threads": 1}
    texts = [
        lightgbm.train({**options, "seed": k}, lightgbm.Dataset(X, y), 100).model_to_string() for k in range(3)
    ]  # fmt: skip
    mlflow.pyfunc.save_model(str(folder), python_model=Mean(texts), pip_requirements=[])


def main() -> None:
    """Measure, and print JSON."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--connections", type=int, default=16)
    asked.add_argument("--seconds", type=float, default=10.0)
    given = asked.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as name:
        save(Path(name) / "model")
        port = place.partition(":")[2]
        process = subprocess.Popen([sys.executable, "-c", SERVER, str(Path(name) / "model"), port])
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://{place}/ping").close()
                    break
                except OSError:
                    if process.poll() is not None:
                        raise
                    time.sleep(0.2)
            rows = (
                json.dumps({"dataframe_split": {"columns": FEATURES, "data": [[k * 1e-3] * 6]}}).encode()
                for k in itertools.count()
            )
            before = used(process.pid)
            make = lambda: request(place, "/invocations", next(rows))  # noqa: E731
            found = asyncio.run(load(f"http://{place}", make, given.connections, given.seconds))
            found["server_cpu_ms"] = round(1e3 * (used(process.pid) - before) / found["answers"], 3)
        finally:
            process.kill()
            process.wait()
    print(json.dumps({"mlflow": found}, indent=1))


if __name__ == "__main__":
    main()
