"""How features are scaled: as they were on the training rows, each bar counted as often as a window has it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate import Windows
from quorate_plugins.transforms.scaling import min_max, robust, z_score

LEARN = {"z-score": z_score, "min-max": min_max, "robust": robust}
NORMAL = 3.289707253902945  # range between the quantiles 0.05 and 0.95 of a normal distribution with deviation 1
LEAST = 1e-8  # widths below are those of rounding
CUT = 10.0  # widths from the centre beyond which a scaled value is cut off


class Scaling(NamedTuple):
    """``(x - centre) / width`` of each feature, cut off at `CUT`.

    Parameters
    ----------
    centre, width : ndarray of float32, (n_features,)
        `width` is 1 where a feature did not move.
    """

    centre: NDArray[np.float32]
    width: NDArray[np.float32]


def scaling_of(X: NDArray[Any] | Windows, norm: str) -> Scaling:
    """Return the scaling of training rows, (n, n_features), or of windows of them.

    Parameters
    ----------
    norm : {"z-score", "min-max", "robust", "none"}
        Mean and standard deviation (ddof 0); least value and range; median and the width between the quantiles 0.05
        and 0.95, which is that of a normal distribution with deviation 1 after division by 3.29.
    """
    n_features = X.shape[-1]
    if norm == "none":
        return Scaling(np.zeros(n_features, dtype=np.float32), np.ones(n_features, dtype=np.float32))
    bars, counts = (X.bars, X.covered()) if isinstance(X, Windows) else (X.reshape(-1, n_features), None)
    used = slice(None) if counts is None else counts > 0
    often = np.ones(len(bars), dtype=np.int64) if counts is None else counts[used]
    # Column by column: a copy of all of them would be as large as they are.
    learnt = [LEARN[norm](bars[used, j : j + 1], often) for j in range(n_features)]
    centre, width = (np.array([one[name][0] for one in learnt]) for name in ("centre", "scale"))
    width = width / (NORMAL if norm == "robust" else 1.0)
    return Scaling(centre.astype(np.float32), np.where(width > LEAST, width, 1.0).astype(np.float32))
