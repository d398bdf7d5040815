"""A torch module of your own that reads days in order: ``quorate run planted --plugin examples/05_torch_windows.py``.

With ``input="windows"`` a model sees the features of the last ``lookback`` bars, (n, lookback, n_features), oldest
first. Torch takes seconds to import, so that is done in `fit`, not where plugins are listed.
"""

import quorate


class Recurrent:
    def __init__(self, hidden=16, epochs=15, random_state=None):
        self.hidden, self.epochs, self.random_state = hidden, epochs, random_state

    def fit(self, X, y):
        import torch

        class Net(torch.nn.Module):
            def __init__(self, n_features, hidden):
                super().__init__()
                self.gru, self.head = torch.nn.GRU(n_features, hidden, batch_first=True), torch.nn.Linear(hidden, 1)

            def forward(self, x):
                return self.head(self.gru(x)[0][:, -1])[:, 0]

        torch.manual_seed(self.random_state or 0)
        self.mean_, self.scale_ = X.mean(axis=(0, 1)), X.std(axis=(0, 1)) + 1e-6
        self.net_ = Net(X.shape[2], self.hidden)
        optimiser = torch.optim.AdamW(self.net_.parameters(), lr=0.01, weight_decay=0.01)
        x, target = torch.from_numpy((X - self.mean_) / self.scale_), torch.as_tensor(y, dtype=torch.float32)
        for _ in range(self.epochs):
            for rows in torch.randperm(len(target)).split(256):
                loss = torch.nn.functional.binary_cross_entropy_with_logits(self.net_(x[rows]), target[rows])
                optimiser.zero_grad(), loss.backward(), optimiser.step()
        return self

    def predict_proba(self, X):
        import torch

        return self.net_(torch.from_numpy((X - self.mean_) / self.scale_)).sigmoid().detach().numpy()


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("recurrent", Recurrent, input="windows", lookback=10, requires=("torch",))
