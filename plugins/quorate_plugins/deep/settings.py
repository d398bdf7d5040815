"""How a network is trained: every setting, its default, and what it must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

LOSSES = (
    "mse",
    "mae",
    "huber",
    "pinball",
    "gaussian",
    "bce",
    "direction_mse",
    "direction_weighted_mse",
    "neg_sharpe",
)
OPTIMISERS = ("adamw", "adam")
SCHEDULES = ("constant", "cosine", "plateau", "one-cycle")
STOPS = ("val_loss", "auc", "accuracy", "direction_accuracy")
NORMS = ("z-score", "min-max", "robust", "none")
PRECISIONS = ("fp32", "bf16", "fp16")
# What lanes that train together may differ in.
OWN = (
    "random_state",
    "learning_rate",
    "warm_learning_rate",
    "weight_decay",
    "dropout",
    "epochs",
    "warm_epochs",
    "patience",
    "min_delta",
    "clip",
    "direction_penalty",
    "turnover_penalty",
    "ema",
    "warmup",
)


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    epochs : int
        At most so many passes over the training rows.
    batch_size : int, rows
        How many make a step.
    batch_tokens : int, bars
        How many make a step at most, counted over its rows, in place of `batch_size`: the shorter windows are, the
        more rows it has. A longer window is a step of its own. 0: `batch_size` rows.
    accumulate : int, batches
        Whose gradients are added up before a step is made.
    learning_rate, weight_decay : float
        How far a step goes, and how much it takes off the weights.
    warm_epochs : int
        As `epochs`, where a fit goes on from the fold before (``warm_start``); 0: that model stays as it is.
    warm_learning_rate : float
        As `learning_rate` there; 0: a tenth of it.
    optimiser : {"adamw", "adam"}
        With ``adam``, the decay is a part of the gradient, as an L2 penalty would be.
    schedule : {"constant", "cosine", "plateau", "one-cycle"}
        How the learning rate changes: down along a cosine; halved after a third of the patience without progress; up
        and down again once.
    warmup : float, share
        Of all steps of ``cosine``, over which the rate first rises from 0.
    clip : float
        The longest gradient, as a norm over all weights; 0: any.
    ema : float
        Decay of the moving average of the weights that is validated and kept in place of the last ones; 0: none.
    loss : str
        ``bce`` for classes; for numbers ``mse``, ``mae``, ``huber``, ``pinball`` (of `quantiles`), ``gaussian`` (the
        likelihood of a mean and a deviation), ``direction_mse``, ``direction_weighted_mse``, ``neg_sharpe``.
    quantiles : tuple of float
        Levels of ``pinball``.
    huber_delta : float, standard deviations of the label
        Where ``huber`` turns from a square to a line.
    direction_penalty : float
        What a wrong direction costs: of ``direction_mse`` beside the squared error, of ``direction_weighted_mse`` the
        weight of such a row.
    turnover_penalty : float
        What ``neg_sharpe`` takes for a change of position by 1, as a share of a deviation of the label.
    patience : int, epochs
        Training ends after so many without progress; 0: after all `epochs`.
    min_delta : float
        The least progress that counts.
    stop_on : {"val_loss", "auc", "accuracy", "direction_accuracy"}
        What progress is measured by, on rows that are held back; empty: ``auc`` of classes, ``val_loss`` of numbers.
    symbols : {"rows", "equal"}
        How likely a row is the next of an epoch: as any other, or each symbol as any other, so that those with few rows
        come early.
    norm : {"z-score", "min-max", "robust", "none"}
        How features are scaled, as they were on the training rows.
    precision : {"fp32", "bf16", "fp16"}
        What products are computed in; 16 bits only on a GPU, and ``bf16`` on a CPU.
    compile : bool
        Have the network compiled; takes a C++ compiler, and seconds.
    checkpoint_gradients : bool
        Compute what the gradient needs a second time in place of keeping it: less memory, more time.
    """

    epochs: int = 100
    batch_size: int = 64
    batch_tokens: int = 0
    accumulate: int = 1
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warm_epochs: int = 10
    warm_learning_rate: float = 0.0
    optimiser: str = "adamw"
    schedule: str = "constant"
    warmup: float = 0.0
    clip: float = 1.0
    ema: float = 0.0
    loss: str = ""
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    huber_delta: float = 1.0
    direction_penalty: float = 1.0
    turnover_penalty: float = 0.0
    patience: int = 10
    min_delta: float = 0.0
    stop_on: str = ""
    symbols: str = "rows"
    norm: str = "z-score"
    precision: str = "fp32"
    compile: bool = False
    checkpoint_gradients: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("loss", ("", *LOSSES)),
            ("optimiser", OPTIMISERS),
            ("schedule", SCHEDULES),
            ("stop_on", ("", *STOPS)),
            ("symbols", ("rows", "equal")),
            ("norm", NORMS),
            ("precision", PRECISIONS),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(one for one in allowed if one)}; it was {value!r}")
        for name in ("epochs", "batch_size", "accumulate"):
            _at_least(self, name, 1)
        for name in ("weight_decay", "clip", "direction_penalty", "turnover_penalty", "patience", "min_delta"):
            _at_least(self, name, 0)
        for name in ("batch_tokens", "warm_epochs", "warm_learning_rate"):
            _at_least(self, name, 0)
        for name in ("ema", "warmup"):
            _at_least(self, name, 0)
            if getattr(self, name) >= 1:
                raise ValueError(f"{name} must be below 1; it was {getattr(self, name)}")
        for name in ("learning_rate", "huber_delta"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0; it was {getattr(self, name)}")
        levels = tuple(self.quantiles)
        if not levels or list(levels) != sorted({*levels}) or not 0 < levels[0] <= levels[-1] < 1:
            raise ValueError(f"quantiles must be levels between 0 and 1 that rise; they were {list(levels)}")

    def for_task(self, task: str) -> Training:
        """Return the settings with what depends on whether the label is a class.

        Raises
        ------
        ValueError
            If a setting does not go with the label.
        """
        classes = task == "classification"
        loss = self.loss or ("bce" if classes else "mse")
        stop_on = self.stop_on or ("auc" if classes else "val_loss")
        if (loss == "bce") != classes:
            right = "bce" if classes else ", ".join(one for one in LOSSES if one != "bce")
            label = "a class" if classes else "a number"
            raise ValueError(f"loss {loss!r} does not go with a label that is {label}: it must be {right}")
        if classes and stop_on == "direction_accuracy":
            stop_on = "accuracy"
        if not classes and stop_on in ("auc", "accuracy"):
            raise ValueError(
                f"stop_on {stop_on!r} is of classes, and the label is a number: val_loss, direction_accuracy"
            )
        return replace(self, loss=loss, stop_on=stop_on)

    def rows(self, bars: int) -> int:
        """Return how many rows of so many bars make a step at most."""
        return max(self.batch_tokens // bars, 1) if self.batch_tokens else self.batch_size

    def going_on(self) -> Training:
        """Return the settings of a training that goes on from a trained network."""
        rate = self.warm_learning_rate or self.learning_rate / 10
        return replace(self, epochs=max(self.warm_epochs, 1), learning_rate=rate)

    def outputs(self) -> int:
        """Return how many numbers the network gives for each number that is forecast."""
        return len(self.quantiles) if self.loss == "pinball" else 2 if self.loss == "gaussian" else 1


TRAINING = {field.name: field.default for field in fields(Training)}


def training_of(options: Mapping[str, Any]) -> Training:
    """Return the settings among some options."""
    found = {name: options[name] for name in TRAINING if name in options}
    if "quantiles" in found:
        found["quantiles"] = tuple(found["quantiles"])
    return Training(**found)


def _at_least(settings: Training, name: str, least: int) -> None:
    if not getattr(settings, name) >= least:
        raise ValueError(f"{name} must be {least} or more; it was {getattr(settings, name)}")
