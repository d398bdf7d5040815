"""Networks as models with ``fit`` and ``predict``, alone or several at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from quorate import Watch, Windows
from quorate_plugins.deep.settings import Training

if TYPE_CHECKING:
    from quorate_plugins.deep.ranks import Ranks

Rows = Windows | NDArray[Any]
Pair = tuple[Rows, NDArray[Any]]
Weights = tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]  # of what is trained on, and is held back
State = dict[str, Any]


class Deep:
    """A network that is trained as its settings say.

    Features are scaled as they were on the training rows, and so are labels that are numbers: those of all losses but
    the ones that judge a direction or a position have their mean taken off, too.

    Parameters
    ----------
    net : callable
        ``net(lanes, n_features, bars, n_outputs, **shape)`` makes a `quorate_plugins.deep.lanes.Net`; `bars` is 0 where
        it reads single rows.
    shape : mapping
        Its own options.
    training : Training
        How it is trained.
    options : mapping
        ``lookback``, ``valid_ratio``, ``valid_blocks``, ``random_state``, ``n_jobs``, ``device``, ``task``.
    """

    def __init__(
        self, net: Callable[..., Any], shape: Mapping[str, Any], training: Training, options: Mapping[str, Any]
    ) -> None:
        self.net, self.shape, self.options = net, dict(shape), dict(options)
        self.task = str(options["task"])
        self.training = training.for_task(self.task)
        self.random_state, self.n_jobs = int(options["random_state"]), int(options["n_jobs"])
        self.device = device_of(str(options["device"]))
        self.read_ = 0, 0  # features, and bars of a window
        self.history_: Any = None
        self.watch: Watch | None = None

    def fit(
        self,
        X: Rows,
        y: NDArray[Any],
        validation: Pair | None = None,
        start: Deep | None = None,
        sample_weight: NDArray[np.float64] | None = None,
        validation_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Train on windows (n, lookback, n_features), or rows (n, n_features), and labels (n,) or (n, n_numbers).

        Where it goes on from another network, `start`, features and labels are scaled as they were for that. Weights
        are those of the rows in every loss.
        """
        weights = None if sample_weight is None else [(sample_weight, validation_weight)]
        [error] = fit_together([self], [(X, y)], [validation], [start], weights=weights)
        if error:
            raise ValueError(error)
        return self

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Return the probabilities of classes 0 and 1, (n, 2)."""
        p = self._forecasts(X)[:, 0, 0]
        return np.column_stack((1 - p, p))

    def predict(self, X: Rows) -> NDArray[np.float64]:
        """Return forecasts, (n,), (n, n_numbers), or with several outputs (n, n_outputs), (n, n_numbers, n_outputs)."""
        found = self._forecasts(X)
        if found.shape[2] == 1:
            found = found[..., 0]
        return found[:, 0] if found.shape[1] == 1 else found

    def _forecasts(self, X: Rows) -> NDArray[np.float64]:
        """Return (n, n_numbers, outputs), in the units of the label."""
        import torch

        from quorate_plugins.deep.engine import BLOCK, predict
        from quorate_plugins.deep.feed import Feed, Part
        from quorate_plugins.deep.scores import forecasts

        torch.set_num_threads(self.n_jobs)
        if error := self.why_not([X]):
            raise ValueError(error)
        part = Part(X, np.zeros((len(X), 1), dtype=np.float32))
        feed = Feed([part], [self.scaling_], BLOCK, torch.device(self.device))
        [raw] = predict(self.network_, feed, [len(X)])
        found = forecasts(self.training, raw).cpu().numpy().astype(np.float64)
        found *= self.width_[:, None]
        if self.training.loss == "gaussian":
            found[..., 0] += self.centre_
        else:
            found += self.centre_[:, None]
        return found

    def prepare(self, X: Rows, y: NDArray[Any]) -> NDArray[np.float32]:
        """Learn how features and labels are scaled; return the scaled labels, (n, n_numbers)."""
        from quorate_plugins.deep.scaling import scaling_of

        self.classes_ = np.array([0, 1])
        self.scaling_ = scaling_of(X, self.training.norm)
        numbers = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        self.centre_, self.width_ = np.zeros(numbers.shape[1]), np.ones(numbers.shape[1])
        if self.task == "regression":
            if not self.training.loss.startswith(("direction", "neg")):
                self.centre_ = numbers.mean(axis=0)
            deviation = np.sqrt(((numbers - self.centre_) ** 2).mean(axis=0))
            self.width_ = np.where(deviation > 0, deviation, 1.0)
        return self.scaled(y)

    def prepare_as(self, start: Deep, y: NDArray[Any]) -> NDArray[np.float32]:
        """Scale features and labels as another network does; return the scaled labels, (n, n_numbers)."""
        self.classes_ = start.classes_
        self.scaling_, self.centre_, self.width_ = start.scaling_, start.centre_, start.width_
        return self.scaled(y)

    def scaled(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """Return scaled labels, (n, n_numbers)."""
        numbers = np.asarray(y, dtype=np.float64).reshape(len(y), len(self.centre_))
        found: NDArray[np.float32] = ((numbers - self.centre_) / self.width_).astype(np.float32)
        return found

    def why_not(self, parts: Sequence[Rows]) -> str:
        """Return why these rows, if of unequal length, cannot be read; an empty text where they can."""
        from quorate_plugins.deep.lanes import check

        lengths = [X.lengths for X in parts if isinstance(X, Windows) and X.lengths is not None and len(X)]
        if not lengths:
            return ""
        if self.training.loss == "neg_sharpe":
            return "the loss neg_sharpe is of rows that follow one another, and steps are of sequences of one length"
        if self.training.compile:
            return "compile is for one shape, and sequences are of unequal length: leave it out"
        shortest = min(int(some.min()) for some in lengths)
        try:
            check(self.net, shortest, self.shape)
        except ValueError as e:
            return f"the shortest sequence has {shortest} bars: {e}; leave shorter ones out"
        return ""

    def make(self, lanes: int) -> Any:
        """Return the network for so many lanes, not drawn yet."""
        n_features, bars = self.read_
        return self.net(lanes, n_features, bars, len(self.centre_) * self.training.outputs(), **self.shape)

    def take(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Become a network of these weights."""
        import torch

        self.network_ = self.make(1)
        with torch.no_grad():
            named = dict(self.network_.named_parameters()) | dict(self.network_.named_buffers())
            for name, tensor in named.items():
                tensor.copy_(torch.tensor(weights[name])[None])
        self.network_.to(self.device).eval()

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return what `take` takes."""
        named = dict(self.network_.named_parameters()) | dict(self.network_.named_buffers())
        return {name: tensor.detach()[0].cpu().numpy() for name, tensor in named.items()}

    def __getstate__(self) -> State:
        return {**self.__dict__, "watch": None, **({"network_": self.weights()} if "network_" in self.__dict__ else {})}

    def __setstate__(self, state: State) -> None:
        self.__dict__.update(state)
        if "network_" in state:
            self.take(state["network_"])

    @property
    def n_weights(self) -> int:
        """How many weights are trained."""
        return sum(one.numel() for one in self.network_.parameters())


def _single(weights: NDArray[np.float64] | None) -> NDArray[np.float32] | None:
    return None if weights is None else weights.astype(np.float32)


def device_of(name: str) -> str:
    """Return where to train: a GPU, if ``auto`` finds one.

    Raises
    ------
    ValueError
        If it is no device, or not on this machine.
    """
    if name == "cpu":
        return name
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, found in there.items() if found)
    if name not in there:
        raise ValueError(f"device must be one of cpu, cuda, mps, auto; it was {name!r}")
    if not there[name]:
        at_hand = ", ".join(device for device, found in there.items() if found)
        raise ValueError(f"device {name!r} is not on this machine, which has {at_hand}: take one of these, or auto")
    return name


def fit_together(
    models: Sequence[Deep],
    pairs: Sequence[Pair],
    validations: Sequence[Pair | None],
    starts: Sequence[Deep | None] | None = None,
    ranks: Ranks | None = None,
    weights: Sequence[Weights] | None = None,
) -> list[str]:
    """Train models that agree on all but `OWN`, each on its own rows as if it were alone.

    Where windows are of unequal length, one after the other: steps of several would have to be as long.

    Parameters
    ----------
    starts : sequence of Deep or None, optional
        What each goes on from, if from anything.
    ranks : Ranks, optional
        Processes that train the same models, and share the rows of each step.
    weights : sequence of (ndarray, ndarray or None), optional
        How much each row counts, and each that is held back.

    Returns
    -------
    list of str
        Why a model could not be trained; empty where it was.
    """
    import torch

    from quorate_plugins.deep.course import Lane
    from quorate_plugins.deep.engine import train
    from quorate_plugins.deep.feed import Part, lengths_of
    from quorate_plugins.deep.history import History

    first = models[0]
    torch.set_num_threads(first.n_jobs)
    lanes, trained = [], []
    errors = dict.fromkeys(map(id, models), "")
    asked = zip(
        models, pairs, validations, starts or [None] * len(models), weights or [(None, None)] * len(models), strict=True
    )
    for model, (X, y), held, start, (counts, held_counts) in asked:
        model.read_ = X.shape[-1], X.shape[1] if X.ndim == 3 else 0
        if error := model.why_not([X, held[0]] if held is not None else [X]):
            errors[id(model)] = error
            continue
        labels = model.prepare(X, y) if start is None else model.prepare_as(start, y)
        if start is not None and not model.training.warm_epochs:
            model.history_ = History(stopped="no epochs")
            model.take(start.weights())
            continue
        X_held, y_held = held if held is not None else (X[:0], y[:0])
        parts = Part(X, labels, _single(counts)), Part(X_held, model.scaled(y_held), _single(held_counts))
        drops = float(model.shape.get("dropout", 0.0))
        going, begun = (model.training, None) if start is None else (model.training.going_on(), start.weights())
        lanes.append(Lane(*parts, model.scaling_, going, model.random_state, drops, begun, model.watch))
        trained.append(model)
    alone = any(lengths_of(part.X) is not None for lane in lanes for part in (lane.train, lane.valid))
    stacks = [[lane] for lane in lanes] if alone else [lanes] * bool(lanes)
    results = [result for stack in stacks for result in train(first.make, stack, first.device, ranks)]
    for model, result in zip(trained, results, strict=True):
        model.history_ = result.history
        if not result.error:
            model.take(result.weights)
            for note in result.notes:
                import warnings

                warning = UserWarning(note)
                warning.about = model  # type: ignore[attr-defined]
                warnings.warn(warning, stacklevel=2)
        errors[id(model)] = result.error
    return list(errors.values())
