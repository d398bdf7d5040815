"""Rows: a torch network that reads X without a copy, and dropout that is off when it predicts."""

import quorate


class Network:
    def __init__(self, width: int = 16, epochs: int = 20):
        self.width = width
        self.epochs = epochs

    def fit(self, X, y):
        import torch

        x, target = torch.from_numpy(X), torch.as_tensor(y, dtype=torch.float32)[:, None]
        self.net_ = torch.nn.Sequential(
            torch.nn.Linear(X.shape[1], self.width),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(self.width, 1),
        )
        optimiser = torch.optim.Adam(self.net_.parameters(), lr=0.01)
        for _ in range(self.epochs):
            loss = torch.nn.functional.mse_loss(self.net_(x), target * 100)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        self.net_.eval()
        return self

    def predict(self, X):
        import torch

        with torch.inference_mode():
            return self.net_(torch.from_numpy(X)).numpy()[:, 0] / 100


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("sound-net", Network, task="regression", requires=("torch",))
