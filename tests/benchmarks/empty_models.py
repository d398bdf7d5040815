"""Twenty models that do nothing: what is left is what handing out and keeping fits costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

import quorate


class Empty:
    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def fit(self, X: Any, y: Any) -> Self:
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.share)


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    for k in range(20):
        yield quorate.ModelSpec(f"empty-{k}", Empty, {"share": 0.4 + k / 100}, task="regression")
