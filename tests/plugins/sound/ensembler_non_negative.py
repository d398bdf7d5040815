"""Stacking by non-negative least squares, with a way out where all coefficients are zero."""

from __future__ import annotations

import numpy as np

import quorate


def non_negative(history):
    from scipy.optimize import nnls

    weights, _ = nnls(history.predictions - history.binary * 0.5, history.labels - history.binary * 0.5)
    return weights if weights.sum() > 0 else np.ones(len(history.members))


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("non-negative", non_negative)
