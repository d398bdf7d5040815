"""Windows: a GRU of torch whose class is defined inside fit, because torch must not be imported with the module."""

import numpy as np

import quorate


class Recurrent:
    def __init__(self, hidden=8, epochs=6, random_state=0):
        self.hidden = hidden
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X, y):
        import torch
        from torch import nn

        class Network(nn.Module):
            def __init__(self, width, hidden):
                super().__init__()
                self.gru = nn.GRU(width, hidden, batch_first=True)
                self.head = nn.Linear(hidden, 1)

            def forward(self, x):
                return self.head(self.gru(x)[0][:, -1])[:, 0]

        torch.manual_seed(self.random_state)
        self.network_ = Network(X.shape[2], self.hidden)
        rows, target = torch.tensor(np.array(X)), torch.tensor(y, dtype=torch.float32)
        optimiser = torch.optim.Adam(self.network_.parameters(), lr=0.02)
        for _ in range(self.epochs):
            optimiser.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(self.network_(rows), target).backward()
            optimiser.step()
        return self

    def predict_proba(self, X):
        import torch

        with torch.no_grad():
            return torch.sigmoid(self.network_(torch.tensor(np.array(X)))).numpy()


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "sound-gru",
        Recurrent,
        input="windows",
        lookback=8,
        requires=("torch",),
        space={"hidden": quorate.Int(4, 16), "epochs": quorate.Int(2, 8)},
    )
