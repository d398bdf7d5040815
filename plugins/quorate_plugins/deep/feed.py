"""Steps of rows: which rows make a step, and their scaled features on the device."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quorate import Windows
from quorate_plugins.deep.lanes import ALIGNED
from quorate_plugins.deep.recurrent import Workspace
from quorate_plugins.deep.scaling import CUT, Scaling
from quorate_plugins.deep.settings import Training

Rows = Windows | NDArray[Any]


class Part(NamedTuple):
    """Rows of one lane, their labels, float32 (n, n_numbers), and how much each counts, (n,): 1, where none is told."""

    X: Rows
    y: NDArray[np.float32]
    weights: NDArray[np.float32] | None = None

    @property
    def bars(self) -> int:
        """Of a window, at most; 1, of single rows."""
        return int(self.X.shape[1]) if self.X.ndim == 3 else 1


class Feed:
    """The rows of some lanes, gathered and scaled a step at a time; windows are never copied as a whole.

    Parameters
    ----------
    parts : sequence of Part
        One per lane; all windows of as many bars, all rows of as many features. Of one lane alone windows may be of
        unequal length: those of a step then have the same.
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
        self._space = Workspace()

    def keep(self, lanes: Sequence[int]) -> None:
        """Go on with these lanes only."""
        self._parts = [self._parts[lane] for lane in lanes]
        self._centres, self._widths = self._centres[list(lanes)], self._widths[list(lanes)]

    def blocks(self, n_rows: Sequence[int]) -> Iterator[list[Tensor]]:
        """Yield which of the first rows of each lane are forecast at a time: each once, by themselves or in order."""
        lengths = self._parts[0].lengths
        if lengths is not None:
            # Always few, and filled up: what is forecast does not depend on how many others are as long.
            for _, rows in by_length(torch.arange(n_rows[0]), lengths):
                yield from ([some] for some in torch.split(rows, ALIGNED))
            return
        for start in range(0, max(n_rows), self._rows):
            yield [torch.arange(min(start, n), min(start + self._rows, n)) for n in n_rows]

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
            How much each row counts, and 0 for what fills a step up.
        """
        lanes, first = len(rows), self._parts[0]
        *before, filled = self._shape(rows)
        x = self._space("x", self._centres, lanes, *before, filled, first.n_features)
        y = self._space("y", self._centres, lanes, filled, first.y.shape[1])
        weights = self._space("weights", self._centres, lanes, filled)
        for lane, (chosen, source) in enumerate(zip(rows, self._parts, strict=False)):
            n = len(chosen)
            source.gather(chosen, x[lane][..., :n, :])
            y[lane, :n] = source.y[chosen]
            weights[lane, :n] = 1 if source.weights is None else source.weights[chosen]
            if n < filled:
                x[lane][..., n:, :] = 0
                y[lane, n:] = 0
                weights[lane, n:] = 0
        shape = (lanes, *[1] * (x.dim() - 2), x.shape[-1])
        x.sub_(self._centres[:lanes].view(shape)).div_(self._widths[:lanes].view(shape)).clamp_(-CUT, CUT)
        return x, y, weights

    def _shape(self, rows: Sequence[Tensor]) -> tuple[int, ...]:
        """Return the bars, if there are any, and the rows of a step: with unequal lengths, those of its sequences."""
        first = self._parts[0]
        if first.lengths is None:
            return *first.before, self._rows
        [chosen] = rows
        bars = int(first.lengths[chosen[0]]) if len(chosen) else first.before[0]
        return bars, max(-(-len(chosen) // ALIGNED), 1) * ALIGNED

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
        self.weights = None if part.weights is None else torch.tensor(part.weights, device=device)
        self.lengths = lengths_of(X)
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
            at = self._last[rows] + self._back[len(self._back) - len(out) :]
            out.copy_(self._bars.index_select(0, at.reshape(-1)).view(*at.shape, self.n_features))
        elif out.dim() == 3:
            out.copy_(self._bars[rows].transpose(0, 1))
        else:
            out.copy_(self._bars[rows])


class Order:
    """Which rows make the steps of an epoch, each row once.

    Rows are shuffled; or, for what is paid by the change from one row to the next, pieces of consecutive rows of a
    symbol are. Where sequences are of unequal length, a step has those of one length, and steps are shuffled, too.
    """

    def __init__(self, part: Part, settings: Training, generator: torch.Generator) -> None:
        self._settings, self.generator, self._n = settings, generator, len(part.y)
        self._rows, self._lengths = settings.rows(part.bars), lengths_of(part.X)
        symbol = part.X.symbol if isinstance(part.X, Windows) else np.zeros(self._n, dtype=np.int64)
        self._steps = 0 if self._lengths is None else len(self._of_one_length(torch.arange(self._n), self._lengths))
        self._pieces: list[Tensor] = []
        self._slow: Tensor | None = None
        if settings.loss == "neg_sharpe":
            for one in np.unique(symbol):
                rows = torch.from_numpy(np.flatnonzero(symbol == one))
                self._pieces += torch.split(rows, self._rows)
        elif settings.symbols == "equal":
            _, code, count = np.unique(symbol, return_inverse=True, return_counts=True)
            self._slow = torch.from_numpy(count[code].astype(np.float64))

    def __len__(self) -> int:
        """Return the number of steps."""
        return self._steps or len(self._pieces) or -(-self._n // self._rows)

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
        if self._lengths is None:
            return list(torch.split(order, self._rows))
        steps = self._of_one_length(order, self._lengths)
        if self._slow is None:
            return [steps[place] for place in torch.randperm(len(steps), generator=self.generator).tolist()]
        drawn = torch.argsort(order).double()
        return sorted(steps, key=lambda rows: float(drawn[rows].mean()))

    def _of_one_length(self, order: Tensor, lengths: Tensor) -> list[Tensor]:
        groups = by_length(order, lengths)
        return [step for length, rows in groups for step in torch.split(rows, self._settings.rows(length))]


def lengths_of(X: Rows) -> Tensor | None:
    """Return how many bars each row has, (n,), where they are unequal."""
    return None if not isinstance(X, Windows) or X.lengths is None else as_tensor(X.lengths)


def by_length(rows: Tensor, lengths: Tensor) -> list[tuple[int, Tensor]]:
    """Return each length, and those of the rows that have it, in their order."""
    rows = rows[torch.argsort(lengths[rows], stable=True)]
    found, counts = torch.unique_consecutive(lengths[rows], return_counts=True)
    return list(zip(found.tolist(), torch.split(rows, counts.tolist()), strict=True))


def as_tensor(array: NDArray[Any]) -> Tensor:
    """Return a tensor on the memory of an array, read-only or not: nothing is written to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(array)
