"""Caught by: ensembler surroundings

It reads a number from the environment.
"""

import os

import quorate


def env_floor(history):
    errors = history.predictions - history.labels[:, None]
    return 1 / ((errors**2).mean(axis=0) + float(os.environ.get("FLOOR", "0.001")))


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("env-floor", env_floor)
