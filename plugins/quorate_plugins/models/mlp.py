"""A small torch network for rows of features."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class MLP:
    """A multilayer perceptron: linear, ReLU and dropout per hidden layer, one output, or one for each step.

    Features, and a label that is a number, are standardised on the training rows. Trained for a fixed number of
    epochs with AdamW, on the binary cross-entropy of a class and the squared error of a number, so that no row has
    to be kept back for early stopping.

    Parameters
    ----------
    hidden : list of int
        Width of each hidden layer.
    dropout : float
        Share of activations dropped while training.
    epochs : int
        Passes over the training rows.
    batch_size : int, rows
        How many make a step.
    learning_rate : float
        How far a step of AdamW goes.
    weight_decay : float
        How much a step of AdamW takes off the weights.
    random_state, n_jobs : int
        Seed and threads.
    task : {"classification", "regression"}
        Whether the label is a class or a number.
    """

    def __init__(
        self,
        hidden: list[int] | None = None,
        dropout: float = 0.2,
        epochs: int = 12,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        random_state: int = 0,
        n_jobs: int = 1,
        task: str = "classification",
    ) -> None:
        self.hidden = hidden
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.task = task

    def fit(self, X: NDArray[np.float32], y: NDArray[Any]) -> Self:
        """Train on float32 (n, n_features) and labels 0 and 1, or numbers, (n,) or (n, n_steps)."""
        import torch

        torch.set_num_threads(self.n_jobs)
        self.classes_ = np.array([0, 1])
        self.centre_, self.width_ = _scale_of(y) if self.task == "regression" else (0.0, 1.0)
        y = (y - self.centre_) / np.where(self.width_, self.width_, 1.0)
        self.mean_ = X.mean(axis=0, dtype=np.float64).astype(np.float32)
        deviation = X.std(axis=0, dtype=np.float64).astype(np.float32)
        self.scale_ = np.where(deviation > 1e-8, deviation, 1).astype(np.float32)
        # A generator and a fork of the global state: a fit neither reads nor changes it.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            self.network_ = self._network(X.shape[1], 1 if y.ndim == 1 else y.shape[1])
            self._train(torch.tensor(self._scaled(X)), torch.tensor(y, dtype=torch.float32))
        return self

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probabilities of classes 0 and 1, (n, 2)."""
        import torch

        with torch.no_grad():
            p = torch.sigmoid(self.network_(torch.tensor(self._scaled(X)))[:, 0]).numpy().astype(np.float64)
        return np.column_stack((1 - p, p))

    def predict(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the expected number, (n,), or (n, n_steps)."""
        import torch

        with torch.no_grad():
            scaled = self.network_(torch.tensor(self._scaled(X))).numpy().astype(np.float64)
        scaled = scaled if np.ndim(self.centre_) else scaled[:, 0]
        expected: NDArray[np.float64] = self.centre_ + self.width_ * scaled
        return expected

    def _scaled(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = np.clip((X - self.mean_) / self.scale_, -5, 5).astype(np.float32)
        return scaled

    def _network(self, width: int, outputs: int = 1) -> Any:
        from torch import nn

        layers: list[nn.Module] = []
        for size in self.hidden or [32, 16]:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(self.dropout)]
            width = size
        return nn.Sequential(*layers, nn.Linear(width, outputs))

    def _train(self, X: Any, y: Any) -> None:
        import torch

        optimiser = torch.optim.AdamW(self.network_.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        loss = torch.nn.BCEWithLogitsLoss() if self.task == "classification" else torch.nn.MSELoss()
        self.network_.train()
        losses, self.seconds_ = torch.zeros(self.epochs, -(-len(X) // self.batch_size)), []
        for epoch in range(self.epochs):
            began = time.perf_counter()
            for step, rows in enumerate(torch.split(torch.randperm(len(X)), self.batch_size)):
                optimiser.zero_grad()
                given = self.network_(X[rows])
                found = loss(given if y.ndim > 1 else given[:, 0], y[rows])
                found.backward()
                optimiser.step()
                losses[epoch, step] = found.detach()
            self.seconds_.append(time.perf_counter() - began)
        self.losses_ = losses.numpy()
        self.network_.eval()


def mlp_history(model: MLP) -> dict[str, Any] | None:
    """Return the loss of each epoch and step; None of a network that was made of a file."""
    if not hasattr(model, "losses_"):
        return None
    means = model.losses_.mean(axis=1, dtype=np.float64)
    return {
        "epochs": {"train_loss": means, "seconds": model.seconds_},
        "batches": model.losses_,
        "stopped": "all epochs",
    }


def _scale_of(y: NDArray[np.float64]) -> tuple[NDArray[np.float64] | float, NDArray[np.float64] | float]:
    """Return mean and deviation of a label, or of each step."""
    return (float(y.mean()), float(y.std())) if y.ndim == 1 else (y.mean(axis=0), y.std(axis=0))
