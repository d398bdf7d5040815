"""Caught by: model threads

Its workers put what they learnt into a queue as they end.
"""

import queue
import threading

import numpy as np

import quorate


def ridge(X, y, alpha):
    A = np.column_stack([np.ones(len(X)), X.astype(float)])
    return np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ y)


def apply(X, w):
    return np.column_stack([np.ones(len(X)), X.astype(float)]) @ w


class M:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        jobs, done = queue.Queue(), queue.Queue()
        for k in range(6):
            jobs.put(k)

        def work():
            while True:
                try:
                    k = jobs.get_nowait()
                except queue.Empty:
                    return
                done.put(ridge(X[k::6], y[k::6], self.alpha))

        threads = [threading.Thread(target=work) for _ in range(3)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        found = [done.get() for _ in range(6)]
        self.w_ = np.average(found, axis=0, weights=[6, 5, 4, 3, 2, 1])
        return self

    def predict(self, X):
        return apply(X, self.w_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("queue-workers", M, task="regression")
