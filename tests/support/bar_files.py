"""Files of bars as text, and what is asked about them."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate_data.files import csv

NAMES = ["Date", "Open", "High", "Low", "Close", "Volume"]
FIELDS = ["open", "high", "low", "close", "volume"]
DAYS = pd.bdate_range("2018-01-02", periods=400)


def walk(n=400, seed=0, start=100.0, digits=4, night=0.4):
    """Return bars of a market whose price moves by night, too."""
    rng = np.random.default_rng(seed)
    by_day, by_night = 0.01 * rng.standard_normal(n), night * 0.01 * rng.standard_normal(n)
    close = start * np.exp(np.cumsum(by_day + by_night))
    open_ = close * np.exp(-by_day)
    high = np.maximum(open_, close) * (1 + 0.003 * rng.random(n))
    low = np.minimum(open_, close) * (1 - 0.003 * rng.random(n))
    prices = np.round(np.column_stack([open_, high, low, close]), digits)
    volume = np.rint(1e6 * np.exp(0.3 * rng.standard_normal(n)))
    return pd.DataFrame(np.column_stack([prices, volume]), columns=FIELDS)


def table(frame=None, names=None, stamps=None, separator=",", fields=FIELDS, cell=str, quote=False):
    """Return a file of these columns, in this order."""
    frame = walk() if frame is None else frame
    stamps = [f"{day:%Y-%m-%d}" for day in DAYS] if stamps is None else stamps
    mark = '"' if quote else ""
    lines = [] if names is None else [separator.join(names)]
    for stamp, row in zip(stamps, frame[list(fields)].to_numpy(), strict=False):
        lines.append(separator.join(f"{mark}{value}{mark}" for value in (stamp, *map(cell, row))))
    return "\n".join(lines) + "\n"


def same(bars, frame=None, fields=FIELDS):
    frame = walk() if frame is None else frame
    for name in fields:
        np.testing.assert_allclose(getattr(bars, name)[:, 0], frame[name].to_numpy()[: len(bars)], err_msg=name)
    return True


def quiet(read):
    """Return what is read, without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", quorate.DataWarning)
        return read()


def asked(path, match, read=csv, **options):
    with pytest.raises(quorate.DataError, match=match) as told:
        read(path, **options)
    return str(told.value)


def mapping(message):
    return dict(re.findall(r'(\w+) = "([^"]*)"', re.search(r"data\.columns = \{(.*?)\}", message)[1]))
