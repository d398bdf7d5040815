"""Which column is which in files that name none: what the bars themselves prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

import quorate
from quorate.statistics import Floats
from quorate_data._names import PRICES

FEW = 20  # bars that tell, below which nothing is proved and the usual order counts
SURE = 3.0  # deviations of a fair coin, from which on opens follow closes and not the other way round
WRONG = 0.01  # of bars, that may have a value that no bar can have
WIDE = 2.0  # the high as a multiple of the low, from which on they are not of one bar


def name_columns(path: Path, frames: Sequence[pd.DataFrame]) -> dict[str, str]:
    """Return which column is which field.

    A high is the greatest of four prices, a low the least. The open agrees with the close of the bar before more
    often than a close does with the open of the bar before.

    Parameters
    ----------
    path : Path
        The first file, for messages.
    frames : sequence of DataFrame
        Bars of files of one layout, a frame per file, sorted by time; the columns in the files' order, called by their
        number.

    Raises
    ------
    DataError
        If that does not tell.
    """
    names = [str(name) for name in frames[0].columns]
    found = []
    for first in range(2 if len(names) == 5 else 1):  # a volume may come first, too
        prices = names[first : first + 4]
        volume = [name for name in names if name not in prices][:1]
        if order := _ordered([frame[prices].to_numpy(dtype=np.float64) for frame in frames]):
            fields = dict(zip(order, prices, strict=True))
            if not volume or _is_volume(frames, fields, volume[0]):
                found.append({**fields, **({"volume": volume[0]} if volume else {})})
    if len(found) != 1:
        raise quorate.DataError(untold(path, names))
    return found[0]


def untold(path: Path, names: Sequence[str]) -> str:
    """Return what to say where the bars do not tell which column is which."""
    told = ", ".join(f'{price} = "{name}"' for price, name in zip([*PRICES, "volume"], names, strict=False))
    return (
        f"{path}: no line names the columns, and of {len(names)} columns of numbers it cannot be told which is which; "
        f"say it by their numbers, e.g. data.columns = {{ {told} }}"
    )


def shows_open(bars: pd.DataFrame) -> bool:
    """Whether bars of a file that names no columns are stamped at their open.

    They are where another column is the last moment of the same bar, as in those of Binance; or if they are stamped as
    those of MetaTrader.

    Parameters
    ----------
    bars : DataFrame
        With the stamps in ``time``, as they stand in the file.
    """
    stamps = bars["time"].astype("str").str.strip()
    if not stamps.str.fullmatch(r"\d{12,16}").all():
        return bool(stamps.str.fullmatch(r"\d{4}\.\d{2}\.\d{2} \d{1,2}:\d{2}").all())
    opens = stamps.astype("int64").to_numpy()
    step = np.median(np.diff(np.sort(opens))) if len(opens) > 1 else 0
    beside = (pd.to_numeric(bars[name], errors="coerce") - opens for name in bars.columns.drop("time"))
    return bool(step > 0 and any((away == step - 1).mean() > 1 - WRONG for away in beside))


def _ordered(files: Sequence[Floats]) -> list[str] | None:
    """Return which field each of four columns is; None, if they prove nothing."""
    kept = [rows[np.isfinite(rows).all(axis=1) & (rows > 0).all(axis=1)] for rows in files]
    whole = np.concatenate(kept)
    if not len(whole):
        return None
    mean = (whole / whole.mean(axis=1, keepdims=True)).mean(axis=0)
    high, low = int(mean.argmax()), int(mean.argmin())
    if len(whole) < FEW or high == low:
        high, low = 1, 2
    wrong = (whole.max(axis=1) > whole[:, high]) | (whole.min(axis=1) < whole[:, low])
    if wrong.mean() > WRONG or np.median(whole[:, high] / whole[:, low]) > WIDE:
        return None
    first, last = (i for i in range(4) if i not in (high, low))
    told = _follows(kept, first, last)
    score = told.sum() / np.sqrt(len(told)) if len(told) >= FEW else 0.0
    usual = len(told) < FEW and (high, low) == (1, 2)
    if not usual and abs(score) < SURE:
        return None
    order = [""] * 4
    order[high], order[low] = "high", "low"
    order[first], order[last] = ("open", "close") if score >= 0 else ("close", "open")
    return order


def _follows(files: Sequence[Floats], first: int, last: int) -> Floats:
    """Return by bar 1, where the first is nearer to the last of the bar before than the last to the first, else -1."""
    nearer = []
    for rows in files:
        a, b = np.log(rows[:, first]), np.log(rows[:, last])
        nearer.append(np.sign(np.abs(b[1:] - a[:-1]) - np.abs(a[1:] - b[:-1])))
    signs = np.concatenate(nearer)
    return np.asarray(signs[signs != 0], dtype=np.float64)


def _is_volume(frames: Sequence[pd.DataFrame], fields: Mapping[str, str], name: str) -> bool:
    """Whether a column of numbers is no price: most of them lie outside of low and high."""
    whole = pd.concat(frames)
    return bool((~whole[name].between(whole[fields["low"]], whole[fields["high"]])).mean() > 0.5)
