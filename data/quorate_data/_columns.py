"""Which column of a file holds what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import quorate
from quorate_data._text import listed, near

PRICES = ("open", "high", "low", "close")
BEGINS = ("opentime", "starttime", "windowstart", "begin", "start")  # names of stamps that are a bar's open
NAMES = ("symbol", "time", *PRICES, "volume", "adj_close", "adj_volume")

_ALIASES = {
    "symbol": ("symbol", "ticker"),
    "time": ("time", "date", "datetime", "timestamp"),
    "volume": ("volume", "vol"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "closeadjusted"),
    "split": ("split", "splits", "splitratio", "stocksplits", "stocksplit"),
    "adj_volume": ("adjvolume", "adjustedvolume", "volumeadj", "volumeadjusted"),
}
# Taken where none of the above is there.
_SECOND = {
    "time": (*BEGINS, "day", "tradedate", "tradeday", "tradingday", "tradingdate", "quotedate", "tsevent", "gmttime"),
    "close": ("closelast", "last", "price", "closeprice"),
    "volume": ("tickvol", "tickvolume", "totalvolume", "volumetraded"),
}
_WIDE = re.compile(r"(.+)[:_./| -](open|high|low|close|volume)", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """Where the columns of one symbol, or of a long file, stand.

    Parameters
    ----------
    places : dict
        From our name to the position.
    clock : int or None
        Where the time of day stands, if it has a column beside that of the date.
    symbol : str
        Whose columns they are; empty, if the file does not say so in its header.
    """

    places: dict[str, int]
    clock: int | None = None
    symbol: str = ""

    @property
    def times(self) -> list[int]:
        """Where stamps stand."""
        return [self.places["time"], *([] if self.clock is None else [self.clock])]


def split(
    path: Path, header: Sequence[str], symbols: Sequence[str], columns: Mapping[str, str], adjusted: bool
) -> list[Part]:
    """Return the parts of a file: one, or one per symbol of a file with a column per field and symbol.

    Parameters
    ----------
    header : sequence of str
        What the columns are called.
    symbols : sequence of str
        Whose each column is; empty for a long file.

    Raises
    ------
    DataError
        If a column that is needed is not there, or if two could be meant.
    """
    if not any(symbols):
        symbols, header = _wide(header, columns)
    if not any(symbols):
        clock = None if "time" in columns else _clock(header)
        given = header if clock is None else ["" if i == clock else name for i, name in enumerate(header)]
        return [Part(pick_columns(path, given, columns, adjusted), clock)]
    found = []
    for symbol in dict.fromkeys(filter(None, symbols)):
        own = [name if whose in ("", symbol) else "" for name, whose in zip(header, symbols, strict=True)]
        found.append(Part(pick_columns(path, own, columns, adjusted), None, symbol))
    return found


def _wide(header: Sequence[str], columns: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return whose each column is and what it holds, for names such as ``MSFT_Close``; nobody's in a long file."""
    pairs = [_WIDE.fullmatch(name) for name in header]
    fields = {(pair[1], pair[2].lower()) for pair in pairs if pair}
    whole = {symbol for symbol, _ in fields if all((symbol, price) in fields for price in PRICES)}
    if columns or not whole:
        return [], list(header)
    own = [pair if pair and pair[1] in whole else None for pair in pairs]
    return [pair[1] if pair else "" for pair in own], [
        pair[2] if pair else name for pair, name in zip(own, header, strict=True)
    ]


def told_beside(header: Sequence[str]) -> dict[str, int]:
    """Return where a file tells of adjustment and of splits, beside what is read."""
    plain = [_plain(name) for name in header]
    found = {name: [word for word in _ALIASES[name] if word in plain] for name in ("adj_close", "split")}
    return {name: plain.index(words[0]) for name, words in found.items() if words}


def _clock(header: Sequence[str]) -> int | None:
    """Return where the time of day stands, if there is a column for the date, too."""
    plain = [_plain(name) for name in header]
    return plain.index("time") if plain.count("date") == plain.count("time") == 1 else None


def check_columns(columns: Mapping[str, str]) -> None:
    """Raise `DataError` if `columns` maps a name that bars do not have."""
    for name in columns:
        if name not in NAMES:
            raise quorate.DataError(
                f"data.columns: {name!r} is not a column of bars; it must be one of {listed(NAMES)}{near(name, NAMES)}"
            )


def pick_columns(path: Path, header: Sequence[str], columns: Mapping[str, str], adjusted: bool) -> dict[str, int]:
    """Return the position in `header` of each column of the bars.

    Raises
    ------
    DataError
        If one that is needed is not there, or if two could be meant.
    """
    picked = {}
    for name in NAMES:
        if name in ("adj_close", "adj_volume") and not adjusted:
            continue
        place = _given(path, header, name, columns[name]) if name in columns else _guess(path, header, name)
        if place is not None:
            picked[name] = place
        elif name not in ("symbol", "volume", "adj_volume"):
            raise quorate.DataError(_missing(path, header, name))
    return picked


def tells_open(name: str) -> bool:
    """Whether what a file calls its stamps says that they are the open of a bar."""
    return _plain(name) in BEGINS


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.<>/]+", "", name).lower()


def _given(path: Path, header: Sequence[str], name: str, wanted: str) -> int:
    exact = [i for i, h in enumerate(header) if h == wanted.strip()]
    found = exact or [i for i, h in enumerate(header) if h.lower() == wanted.strip().lower()]
    if not found:
        raise quorate.DataError(
            f"{path}: data.columns.{name} names the column {wanted!r}, which is not there; "
            f"the columns are {listed(header)}{near(wanted, header)}"
        )
    return _only(path, header, name, found)


def _guess(path: Path, header: Sequence[str], name: str) -> int | None:
    aliases = _ALIASES.get(name, (name,))
    zoned = {f"{alias}{zone}" for alias in aliases for zone in ("utc", "gmt")} if name == "time" else set()
    found = [i for i, h in enumerate(header) if _plain(h) in {*aliases, *zoned}]
    if not found:
        found = [i for i, h in enumerate(header) if _plain(h) in _SECOND.get(name, ())]
    if not found and name == "time" and header and _plain(header[0]) in ("", "unnamed:0", "index"):
        return 0  # pandas writes dates that are an index without a name
    return _only(path, header, name, found) if found else None


def _only(path: Path, header: Sequence[str], name: str, found: list[int]) -> int:
    if len(found) == 1:
        return found[0]
    names = [header[i] for i in found]
    if len(set(names)) == 1:
        raise quorate.DataError(f"{path}: {len(found)} columns are called {names[0]!r}; rename or remove all but one")
    raise quorate.DataError(
        f"{path}: the columns {listed(names)} could all be {name!r}; "
        f'say which one is with data.columns = {{ {name} = "{names[0]}" }}'
    )


def _missing(path: Path, header: Sequence[str], name: str) -> str:
    wide = [h for h in header if _WIDE.fullmatch(h)]
    hint = "." if wide else near(name, header) or "."
    message = f"{path}: there is no column for {name!r}; the columns are {listed(header)}{hint} "
    if len(header) == 1 and (found := [s for s in (",", ";", "\t", "|") if s in header[0]]):
        return message + f"Set data.separator = {found[0]!r}"
    if name == "adj_close":
        return message + "data.adjusted needs one; name it in data.columns, or leave data.adjusted out"
    plain = [_plain(h) for h in header]
    closes = [h for h, short in zip(header, plain, strict=True) if short in ("close", "last", "price", "adjclose")]
    if name in PRICES and closes and not {"open", "high", "low"} & set(plain):
        told = ", ".join(f'{price} = "{closes[0]}"' for price in PRICES)
        return message + (
            f"The file has closes alone: take them for all prices with data.columns = {{ {told} }}, and trade at them "
            'with backtest.fill = "close"'
        )
    others = [h for h, short in zip(header, plain, strict=True) if h and short not in _ALIASES["time"]]
    if name in PRICES and len(others) == len(header) - 1 and not {*PRICES, "volume"} & set(plain):
        told = ", ".join(f'{price} = "{others[0]}"' for price in PRICES)
        return message + (
            f"If each column has the closes of a symbol, read one: data.columns = {{ {told} }}, data.symbol = "
            f'"{others[0]}" and backtest.fill = "close"'
        )
    if len(wide) > 1:
        time = next((h for h in header if h not in wide), "")
        return message + (
            "The file is wide (a column per symbol and field), but bars are read from long files (a row per symbol and "
            f'bar). Reshape it, or read one symbol: data.columns = {{ time = "{time}", open = "{wide[0]}", ... }} '
            "and data.symbol for its name"
        )
    known = {alias for names in (_ALIASES, _SECOND) for aliases in names.values() for alias in aliases} | {*PRICES}
    unknown = [h for h, short in zip(header, plain, strict=True) if h and short not in known]
    if name == "time" and len(unknown) == 1:
        return message + f'If {unknown[0]!r} holds the dates: data.columns = {{ time = "{unknown[0]}" }}'
    if header and re.fullmatch(r"[\d\-/:.+ ]+", header[0]):
        return message + "The first line must name the columns"
    return message + (
        f'Name it with data.columns = {{ {name} = "..." }}; '
        "if lines stand above the header, leave them out with data.skip_rows"
    )
