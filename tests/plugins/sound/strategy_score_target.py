"""Sized by how large scores have been of late."""

import numpy as np
import pandas as pd

import quorate


def score_target(score, threshold, span=40):
    size = pd.DataFrame(score).abs().ewm(span=span, min_periods=1).mean().to_numpy()
    return np.where(np.abs(score) > threshold, np.clip(0.5 * score / np.maximum(size, 1e-9), -1, 1), 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("score-target", score_target)
