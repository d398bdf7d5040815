"""What is known of those who write files, and the files do not say by themselves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from quorate_data._columns import Part
from quorate_data._names import PRICES, plain
from quorate_data._text import listed

NANO = 1e9


def take_volume(path: Path, frame: pd.DataFrame, raw: pd.DataFrame, part: Part, header: list[str]) -> tuple[str, ...]:
    """Take the volume that is counted in what a pair buys; return what is to be said, where none is taken."""
    if not part.volumes:
        return ()
    if len(part.volumes) == 2 and "symbol" in frame and len(frame):
        pair = plain(str(frame["symbol"].iloc[0]))
        units = [plain(name).removeprefix("volume") for name in part.volumes]
        for name, (base, quote) in zip(part.volumes, (units, units[::-1]), strict=True):
            if pair == base + quote:
                frame["volume"] = raw[header.index(name)].reindex(frame.index)
                return ()
    return (
        f"{path}: no column is read as the volume; {listed(part.volumes)} may hold it: data.columns = "
        f'{{ volume = "{part.volumes[0]}" }}',
    )


def divide_billionths(path: Path, frame: pd.DataFrame, header: list[str]) -> tuple[str, ...]:
    """Divide prices by 1e9 that are whole numbers, as Databento writes them; return what is to be said then."""
    prices = [name for name in PRICES if name in frame]
    if not {"rtype", "publisherid"} <= {plain(name) for name in header}:
        return ()
    if len(prices) != len(PRICES) or not all(frame[name].dtype.kind == "i" for name in prices):
        return ()
    frame[prices] = frame[prices] / NANO
    return (f"{path}: the prices are whole numbers, which Databento writes for billionths, and are divided by 1e9",)
