"""Which column of a file holds what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import quorate
from quorate_data._names import ALIASES, CLOCKS, IDENTIFIERS, PLAIN, PRICES, SECOND, THIRD, Group, parsed, plain, whole
from quorate_data._text import listed, near

_DAY = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|(?:19|20)\d{6}(?:[ T].*)?$")  # no column is called so
NAMES = ("symbol", "time", *PRICES, "volume", "adj_close", "adj_volume")


@dataclass(frozen=True)
class Part:
    """Where the columns of one symbol, or of a long file, stand.

    Parameters
    ----------
    places : dict
        From our name to the position.
    times : list of int
        Where stamps may stand; several, where names alone do not tell which column they are.
    beside_times : list of int
        Where the date or the time of day may stand that belongs to one of them.
    symbol : str
        Whose columns they are; empty, if the file does not say so in its header.
    beside : dict
        From what a file may tell beside its bars to the position: adjusted closes, splits, another volume.
    others : list of int
        Columns that are not read, but may tell bars of one stamp apart.
    volumes : list of str
        Columns of which one may be the volume, where none is read.
    categories : dict
        From the name of a category to the position.
    records : bool
        They are of a covariate, not of bars.
    """

    places: dict[str, int]
    times: list[int]
    beside_times: list[int] = field(default_factory=list)
    symbol: str = ""
    beside: dict[str, int] = field(default_factory=dict)
    others: list[int] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    categories: dict[str, int] = field(default_factory=dict)
    records: bool = False


def with_categories(path: Path, header: Sequence[str], parts: Sequence[Part], names: Sequence[str]) -> list[Part]:
    """Return the parts with the positions of the categories that are asked for.

    Raises
    ------
    DataError
        If there is no such column, or it is one of the bars' own.
    """
    places = {}
    for name in names:
        place, *more = _named_by("data.categories", path, header, name)
        if more:
            raise quorate.DataError(
                f"{path}: several columns are called {name!r} (data.categories): rename all but one"
            )
        own = [ours for part in parts for ours, at in part.places.items() if at == place and ours in NAMES]
        if own:
            remedy = ', and give it to models with features.categories = ["symbol"]' if own[0] == "symbol" else ""
            raise quorate.DataError(
                f"{path}: data.categories names the column {name!r}, which is read as the {own[0]}: leave it "
                f"out{remedy}"
            )
        places[name] = place
    taken = places.values()
    return [
        replace(
            part,
            places={name: place for name, place in part.places.items() if place not in taken},
            others=[place for place in part.others if place not in taken],
            categories=places,
        )
        for part in parts
    ]


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
    short = [plain(name) for name in header]
    if any(symbols):
        return [
            _part(
                path,
                header,
                [s if whose in ("", symbol) else "" for s, whose in zip(short, symbols, strict=True)],
                columns,
                adjusted,
                symbol,
            )
            for symbol in dict.fromkeys(filter(None, symbols))
        ]
    told = [] if all(_found(short, price) or price in columns for price in PRICES) else list(whole(header))
    # Where a column tells the symbol, or prices are given, no other name is one.
    long = bool(_found(short, "symbol")) or bool({"symbol", *PRICES} & set(columns))
    tickers = [] if long else [g for g in told if not g.kind]
    if tickers:
        return [
            _part(path, header, _named(header, short, g, alone=False), columns, adjusted, g.affix)
            for g in tickers
            if not (g.adjusted and Group(g.affix) in tickers)
        ]
    if len(told) > 1 and not set(PRICES) & set(columns):
        fields = whole(header)[told[0]]
        raise quorate.DataError(
            f"{path}: the prices of {listed(' '.join(_words(g)) for g in told)} could all be meant; choose, e.g. with "
            f"data.columns = {{ {_mapping(fields)} }}"
        )
    return [_part(path, header, _named(header, short, told[0]) if len(told) == 1 else short, columns, adjusted)]


def unnamed(path: Path, header: Sequence[str], stamps: int, columns: Mapping[str, str], adjusted: bool) -> Part:
    """Return where columns stand that no line names, and that `columns` calls by their number, if it does."""
    short = ["time", *[""] * (len(header) - 1)]
    if columns or adjusted:
        places = _pick(path, header, short, columns, adjusted)
    else:
        places = {"time": 0, **{header[i]: i for i in range(stamps, len(header))}}
    return Part(places, [places["time"]], [1] if stamps == 2 and "time" not in columns else [])


def _words(group: Group) -> list[str]:
    return [word for word in (group.affix, "adjusted" if group.adjusted else "") if word]


def _mapping(fields: Mapping[str, str]) -> str:
    return ", ".join(f'{price} = "{fields.get(price, "...")}"' for price in PRICES)


def _named(header: Sequence[str], short: Sequence[str], chosen: Group, alone: bool = True) -> list[str]:
    """Return plain names in which those of one group are called by their field alone."""
    own = {
        Group(chosen.affix, adjusted, chosen.unit): "adj" if adjusted and not chosen.adjusted else ""
        for adjusted in (chosen.adjusted, True)
    }
    groups = [parsed(name) for name in header]
    fields = {one[1] for one in groups if one and one[0] == chosen}
    other = bool(_found(short, "volume")) and alone
    named = []
    for name, one in zip(short, groups, strict=True):
        if one and one[0] in own and not (one[1] == "volume" and other):
            last = one[1] == "last" and "close" not in fields
            named.append(own[one[0]] + ("close" if last else one[1]))
        else:
            named.append(name if alone or not one or one[0] == PLAIN else "")
    return named


def _part(
    path: Path,
    header: Sequence[str],
    short: Sequence[str],
    columns: Mapping[str, str],
    adjusted: bool,
    symbol: str = "",
) -> Part:
    places = _pick(path, header, short, columns, adjusted)
    given = "time" in columns or bool(symbol)
    times, beside_times = ([], []) if given else _times(short)
    times = times or [places["time"]]
    used = {*places.values(), *times, *beside_times}
    beside = {
        name: found[0] for name in ("adj_close", "split") if (found := _found(short, name)) and found[0] not in used
    }
    if "volume" in places and (ticks := [i for i in _second(short, "volume") if i not in used]):
        beside["volume"] = ticks[0]
    volumes = []
    if "volume" not in places:
        volumes = [
            name
            for name, s in zip(header, short, strict=True)
            if s and (p := parsed(name)) and p[1] == "volume" and not p[0].adjusted
        ]
    others = [] if symbol or "symbol" in places else [i for i, s in enumerate(short) if s and i not in used]
    return Part(places, times, beside_times, symbol, beside, others, volumes)


def check_columns(columns: Mapping[str, str]) -> None:
    """Raise `DataError` if `columns` maps a name that bars do not have."""
    for name in columns:
        if name not in NAMES:
            raise quorate.DataError(
                f"data.columns: {name!r} is not a column of bars; it must be one of {listed(NAMES)}{near(name, NAMES)}"
            )


def identifiers(header: Sequence[str]) -> list[int]:
    """Return where columns stand that are called as what tells symbols apart, the plainest name first."""
    short = [plain(name) for name in header]
    return [short.index(name) for name in IDENTIFIERS if name in short]


def _pick(
    path: Path, header: Sequence[str], short: Sequence[str], columns: Mapping[str, str], adjusted: bool
) -> dict[str, int]:
    """Return the position in `header` of each column of the bars; `DataError` if one is missing, or two could be."""
    picked, missing = {}, []
    for name in NAMES:
        if name in ("adj_close", "adj_volume") and not adjusted:
            continue
        place = _given(path, header, name, columns[name]) if name in columns else _guess(path, header, short, name)
        if place is not None:
            picked[name] = place
        elif name not in ("symbol", "volume", "adj_volume"):
            missing.append(name)
    if missing:
        raise quorate.DataError(_missing(path, header, missing))
    return picked


def place_of_time(path: Path, header: Sequence[str], columns: Mapping[str, str]) -> int:
    """Return where the stamps stand; `DataError` if that cannot be told."""
    short = [plain(name) for name in header]
    place = _given(path, header, "time", columns["time"]) if "time" in columns else _guess(path, header, short, "time")
    if place is None:
        raise quorate.DataError(_missing(path, header, ["time"]))
    return place


def _given(path: Path, header: Sequence[str], name: str, wanted: str) -> int:
    return _only(path, header, name, _named_by(f"data.columns.{name}", path, header, wanted))


def _named_by(option: str, path: Path, header: Sequence[str], wanted: str) -> list[int]:
    """Return where the columns stand that an option names."""
    exact = [i for i, h in enumerate(header) if h == wanted.strip()]
    found = exact or [i for i, h in enumerate(header) if h.lower() == wanted.strip().lower()]
    if not found:
        raise quorate.DataError(
            f"{path}: {option} names the column {wanted!r}, which is not there; "
            f"the columns are {listed(header)}{near(wanted, header)}"
        )
    return found


def _found(short: Sequence[str], name: str) -> list[int]:
    """Return where columns stand that are called as ours; those of the second rank, where there is none."""
    aliases = {*ALIASES.get(name, (name,))}
    if name == "time":
        aliases |= {f"{alias}{zone}" for alias in ALIASES["time"] for zone in ("utc", "gmt")}
    ranks = (aliases, SECOND.get(name, ()), THIRD.get(name, ()))
    return next((found for names in ranks if (found := [i for i, s in enumerate(short) if s in names])), [])


def _second(short: Sequence[str], name: str) -> list[int]:
    return [i for i, s in enumerate(short) if s in SECOND.get(name, ())]


def _times(short: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return where stamps may stand, and where a date or a time of day that belongs to one: their values tell."""
    first = _found(short, "time")
    clocks = {*CLOCKS, *(f"{name}{zone}" for name in CLOCKS for zone in ("utc", "gmt"))}
    beside = [i for i, s in enumerate(short) if s in clocks and i not in first]
    if first and {short[i] for i in first} <= clocks:  # the date of a time of day has a column of another name
        beside += [i for i in _second(short, "time") if i not in (*first, *beside)]
    return first, beside


def _guess(path: Path, header: Sequence[str], short: Sequence[str], name: str) -> int | None:
    if found := _found(short, name):
        return found[0] if name == "time" else _only(path, header, name, found)
    if name == "time" and header and short[0] in ("", "unnamed:0", "index"):
        return 0  # pandas writes dates that are an index without a name
    return None


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


def _missing(path: Path, header: Sequence[str], names: Sequence[str]) -> str:
    """Return what to say where columns are missing: all of them at once, and one remedy for all."""
    short = [plain(h) for h in header]
    wide = [h for h in header if (found := parsed(h)) and found[0] != PLAIN]
    hint = "." if wide or len(names) > 1 else near(names[0], header) or "."
    message = f"{path}: there is no column for {' or '.join(map(repr, names))}; the columns are {listed(header)}{hint} "
    if len(header) == 1 and (marks := [s for s in (",", ";", "\t", "|") if s in header[0]]):
        return message + f"Set data.separator = {marks[0]!r}"
    if [*names] == ["adj_close"]:
        return message + "data.adjusted needs one; name it in data.columns, or leave data.adjusted out"
    if any(_DAY.match(h) for h in header):
        if len(header) < 5:
            return message + "The first line has fewer than four prices: quotes and trades must be made bars of first"
        return message + "The first line is a bar; write one above it that names the columns"
    closes = [h for h, s in zip(header, short, strict=True) if s in ("close", "last", "price", "adjclose")]
    if {"open", "high", "low"} <= set(names) and "time" not in names and closes and not wide:
        return message + (
            f"The file has closes alone: take them for all prices with data.columns = {{ {_same(closes[0])} }}, and "
            'trade at them with backtest.fill = "close"'
        )
    known = {alias for kind in (ALIASES, SECOND, THIRD) for aliases in kind.values() for alias in aliases} | {*PRICES}
    unknown = [h for h, s in zip(header, short, strict=True) if h and s not in known]
    told = ", ".join(f'{name} = "..."' for name in names)
    every = f"Name {'it' if len(names) == 1 else 'them'} with data.columns = {{ {told} }}"
    # What may be the closes of symbols: names that say nothing, or "close" beside each symbol.
    series = [h for h in wide if (found := parsed(h)) and found[1] in ("close", "last")] if wide else unknown
    if names[0] != "time" and {*PRICES} <= set(names) and len(series) == len(header) - 1:
        one = "If each column has the closes of a symbol, set data.wide = true"
        return message + (f"{every}. {one}" if series is unknown and len(unknown) in (4, 5, 6) else one)
    if len(wide) > 1 and {*PRICES} & set(names):
        time = next((h for h in header if h not in wide), "")
        return message + (
            "The file is wide (a column per symbol and field), but lacks prices of a symbol. Reshape it, or "
            f'read one symbol: data.columns = {{ time = "{time}", open = "{wide[0]}", high = "...", low = "...", '
            'close = "..." } and data.symbol for its name'
        )
    if [*names] == ["time"] and len(unknown) == 1:
        return message + f'If {unknown[0]!r} holds the dates: data.columns = {{ time = "{unknown[0]}" }}'
    return message + f"{every}; if lines stand above the header, leave them out with data.skip_rows"


def _same(name: str) -> str:
    return ", ".join(f'{price} = "{name}"' for price in PRICES)
