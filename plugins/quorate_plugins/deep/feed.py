"""Steps of rows: which rows make a step, and their scaled features on the device."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quorate import Windows
from quorate_plugins.deep.lanes import ALIGNED
from quorate_plugins.deep.scaling import CUT, Scaling
from quorate_plugins.deep.settings import Training

Rows = Windows | NDArray[Any]


class Part(NamedTuple):
    """Rows of one lane, and their labels, float32 (n, n_numbers)."""

    X: Rows
    y: NDArray[np.float32]


class Feed:
    """The rows of some lanes, gathered and scaled a step at a time; windows are never copied as a whole.

    Parameters
    ----------
    parts : sequence of Part
        One per lane; all windows of as many bars, all rows of as many features.
    scalings : sequence of Scaling
        One per lane.
    rows : int
        Of a step at most; steps are filled up to a multiple of `ALIGNED`.
    device : torch.device
        Where steps are computed.
    """

    def __init__(self, parts: Sequence[Part], scalings: Sequence[Scaling], rows: int, device: torch.device) -> None:
        self._rows, self._device = -(-rows // ALIGNED) * ALIGNED, device
        self._shared: dict[int, Tensor] = {}
        self._parts = [_Source(part, self._tensor, device) for part in parts]
        self._centres = self._stacked([scaling.centre for scaling in scalings])
        self._widths = self._stacked([scaling.width for scaling in scalings])
        self._buffers: tuple[Tensor, Tensor, Tensor] | None = None

    def keep(self, lanes: Sequence[int]) -> None:
        """Go on with these lanes only."""
        self._parts = [self._parts[lane] for lane in lanes]
        self._centres, self._widths = self._centres[list(lanes)], self._widths[list(lanes)]

    def step(self, rows: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the features, labels and weights of some rows of the first lanes.

        Parameters
        ----------
        rows : sequence of Tensor
            Of each lane, the positions of its rows, at most as many as a step has.

        Returns
        -------
        features : Tensor, (lanes, rows, n_features) or (lanes, bars, rows, n_features)
            Valid until the next call.
        labels : Tensor, (lanes, rows, n_numbers)
        weights : Tensor, (lanes, rows)
            1, and 0 for what fills a step up.
        """
        lanes = len(rows)
        x, y, weights = (buffer[:lanes] for buffer in self._all())
        for lane, (chosen, source) in enumerate(zip(rows, self._parts, strict=False)):
            n = len(chosen)
            source.gather(chosen, x[lane][..., :n, :])
            y[lane, :n] = source.y[chosen]
            weights[lane, :n] = 1
            if n < self._rows:
                x[lane][..., n:, :] = 0
                y[lane, n:] = 0
                weights[lane, n:] = 0
        shape = (lanes, *[1] * (x.dim() - 2), x.shape[-1])
        x.sub_(self._centres[:lanes].view(shape)).div_(self._widths[:lanes].view(shape)).clamp_(-CUT, CUT)
        return x, y, weights

    def _all(self) -> tuple[Tensor, Tensor, Tensor]:
        if self._buffers is None:
            lanes, first = len(self._parts), self._parts[0]
            shape = (lanes, *first.before, self._rows, first.n_features)
            self._buffers = (
                torch.zeros(shape, device=self._device),
                torch.zeros(lanes, self._rows, first.y.shape[1], device=self._device),
                torch.zeros(lanes, self._rows, device=self._device),
            )
        return self._buffers

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        """Return an array on the device; one that several lanes share only once."""
        if id(array) not in self._shared:
            self._shared[id(array)] = as_tensor(array).to(self._device)
        return self._shared[id(array)]

    def _stacked(self, arrays: Sequence[NDArray[np.float32]]) -> Tensor:
        return torch.tensor(np.stack(arrays), device=self._device)


class _Source:
    """Where the rows of one lane come from."""

    def __init__(self, part: Part, tensor: Any, device: torch.device) -> None:
        X = part.X
        self.n_features = X.shape[-1]
        self.before: tuple[int, ...] = (X.shape[1],) if X.ndim == 3 else ()
        self.y = torch.tensor(part.y, device=device)
        self._last: Tensor | None = None
        if isinstance(X, Windows):
            self._bars = tensor(X.bars)
            self._last = torch.tensor(X.last, device=device)
            self._back = torch.arange(1 - X.lookback, 1, device=device)[:, None]
        else:
            self._bars = tensor(X)

    def gather(self, rows: Tensor, out: Tensor) -> None:
        """Write rows, oldest bar first, into ``([bars,] rows, n_features)``."""
        if self._last is not None:
            at = self._last[rows] + self._back
            out.copy_(self._bars.index_select(0, at.reshape(-1)).view(*at.shape, self.n_features))
        elif out.dim() == 3:
            out.copy_(self._bars[rows].transpose(0, 1))
        else:
            out.copy_(self._bars[rows])


class Order:
    """Which rows make the steps of an epoch, each row once.

    Rows are shuffled; or, for what is paid by the change from one row to the next, pieces of consecutive rows of a
    symbol are.
    """

    def __init__(self, part: Part, settings: Training, generator: torch.Generator) -> None:
        self._settings, self.generator, self._n = settings, generator, len(part.y)
        symbol = part.X.symbol if isinstance(part.X, Windows) else np.zeros(self._n, dtype=np.int64)
        self._pieces: list[Tensor] = []
        self._slow: Tensor | None = None
        if settings.loss == "neg_sharpe":
            for one in np.unique(symbol):
                rows = torch.from_numpy(np.flatnonzero(symbol == one))
                self._pieces += torch.split(rows, settings.batch_size)
        elif settings.symbols == "equal":
            _, code, count = np.unique(symbol, return_inverse=True, return_counts=True)
            self._slow = torch.from_numpy(count[code].astype(np.float64))

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self._pieces) or -(-self._n // self._settings.batch_size)

    def epoch(self) -> list[Tensor]:
        """Return the rows of each step."""
        if self._pieces:
            order = torch.randperm(len(self._pieces), generator=self.generator)
            return [self._pieces[int(place)] for place in order]
        if self._slow is None:
            order = torch.randperm(self._n, generator=self.generator)
        else:  # drawn one after the other, each symbol as likely as any other while it has rows left
            waits = torch.empty(self._n, dtype=torch.float64).exponential_(generator=self.generator)
            order = torch.argsort(waits * self._slow)
        return list(torch.split(order, self._settings.batch_size))


def as_tensor(array: NDArray[Any]) -> Tensor:
    """Return a tensor on the memory of an array, read-only or not: nothing is written to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(array)
