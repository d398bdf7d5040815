"""What a checkpoint after every epoch costs, as a share of the time without."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from quorate import Watch
from quorate_plugins.deep.models import cnn_bilstm, cnn_gru_fast, gru

EPOCHS, ROUNDS = 4, 3


def seconds(make: object, X: np.ndarray, y: np.ndarray, folder: Path | None) -> float:
    """Return what a training takes, with checkpoints in a folder or without."""
    model = make(epochs=EPOCHS, lookback=X.shape[1])  # type: ignore[operator]
    model.watch = Watch({}, folder, top=4) if folder is not None else None
    began = time.perf_counter()
    model.fit(X, y, validation=(X[-100:], y[-100:]))
    return time.perf_counter() - began


def main() -> None:
    """Print the ratio for a small, a middling and a large network."""
    draw = np.random.default_rng(1)
    X = draw.standard_normal((1000, 60, 5)).astype(np.float32)
    y = X[:, -1, 0].astype(np.float64)
    for name, make in (("gru", gru), ("cnn-gru-fast", cnn_gru_fast), ("cnn-bilstm", cnn_bilstm)):
        ratios = []
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder:
                without, with_them = seconds(make, X, y, None), seconds(make, X, y, Path(folder, "kept"))
            ratios.append(with_them / without)
        print(f"{name}: {np.median(ratios):.3f} times the time ({', '.join(f'{one:.3f}' for one in sorted(ratios))})")


if __name__ == "__main__":
    main()
