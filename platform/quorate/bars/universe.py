"""The universe: which symbols belong to it when, and what becomes of those that are delisted."""

from __future__ import annotations

import datetime as dt
import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import DataError, DataWarning, plural
from quorate.statistics import Floats

if TYPE_CHECKING:
    from quorate.bars.panel import Bars

COLUMNS = ("symbol", "entry", "exit", "delisted", "payout")
WORDS = {"": False, "0": False, "no": False, "false": False, "1": True, "yes": True, "true": True}
LEAST = 1e-6  # of the last price, which a share that is worth nothing is booked at: prices are positive
TOLD = 5

Days = NDArray[np.datetime64]
Rows = Iterable[tuple[str, Mapping[str, Any]]]  # each with where it stands


@dataclass(frozen=True)
class Spell:
    """A time during which a symbol belongs to the universe.

    Parameters
    ----------
    symbol : str
        Its name.
    entry, exit : date, optional
        First and last session; without them it belongs from the beginning, or to the end.
    delisted : bool
        It was delisted at `exit`: positions are closed at the first bar after that.
    payout : float, optional
        Cash per share that a delisted symbol pays out, in prices of that time.
    """

    symbol: str
    entry: dt.date | None = None
    exit: dt.date | None = None
    delisted: bool = False
    payout: float | None = None

    def rows(self, sessions: Days) -> slice:
        """Return which sessions lie in it."""
        start = 0 if self.entry is None else int(np.searchsorted(sessions, np.datetime64(self.entry, "D")))
        if self.exit is None:
            return slice(start, len(sessions))
        return slice(start, int(np.searchsorted(sessions, np.datetime64(self.exit, "D"), side="right")))


@dataclass(frozen=True)
class Universe:
    """Which symbols belong to it when.

    Parameters
    ----------
    spells : tuple of Spell
        By symbol and entry, apart from one another; none: every symbol belongs to it, always.
    haircut : float
        Share of its last price that a symbol loses which is delisted, or ends, without a payout that is known.
    """

    spells: tuple[Spell, ...] = ()
    haircut: float = 0.0

    @property
    def digest(self) -> bytes:
        """The hash of all that it says."""
        return hashlib.sha256(f"universe-1|{self.spells}|{self.haircut!r}".encode()).digest()

    def member(self, sessions: Days, symbols: Sequence[str]) -> NDArray[np.bool_]:
        """Return where each symbol belongs to it, (n_sessions, n_symbols)."""
        found = np.full((len(sessions), len(symbols)), not self.spells)
        for column, spells in self._columns(symbols):
            for spell in spells:
                found[spell.rows(sessions), column] = True
        return found

    def delisted(self, sessions: Days, symbols: Sequence[str]) -> NDArray[np.bool_]:
        """Return where each symbol has been delisted, until it enters anew, (n_sessions, n_symbols)."""
        found = np.zeros((len(sessions), len(symbols)), dtype=bool)
        for column, spells in self._columns(symbols):
            for spell in spells:
                found[spell.rows(sessions).start :, column] = False
                if spell.delisted:
                    found[spell.rows(sessions).stop :, column] = True
        return found

    def paid(self, sessions: Days, symbols: Sequence[str], last: Floats, present: NDArray[np.bool_]) -> Floats:
        """Return what a share is paid out at where a symbol has been delisted, (n_sessions, n_symbols); NaN elsewhere.

        Parameters
        ----------
        last : ndarray of float64, (n_sessions, n_symbols)
            The last price that is known.
        present : ndarray of bool, (n_sessions, n_symbols)
            Where a symbol has a bar: one of several sessions may have begun before a delisting, and has its last price.
        """
        found = np.full(last.shape, np.nan)
        for column, spells in self._columns(symbols):
            for spell in spells:
                rows = spell.rows(sessions)
                if spell.delisted and 0 < rows.stop < len(sessions):
                    before = last[rows.stop if present[rows.stop, column] else rows.stop - 1, column]
                    cash = before * (1 - self.haircut) if spell.payout is None else spell.payout
                    found[rows.stop :, column] = max(cash, LEAST * before)
        return found

    def _columns(self, symbols: Sequence[str]) -> list[tuple[int, list[Spell]]]:
        column = {name: k for k, name in enumerate(symbols)}
        found: dict[int, list[Spell]] = {}
        for spell in self.spells:
            if spell.symbol in column:
                found.setdefault(column[spell.symbol], []).append(spell)
        return list(found.items())

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        spells = [{k: str(v) if isinstance(v, dt.date) else v for k, v in vars(one).items()} for one in self.spells]
        return {"spells": spells, "haircut": self.haircut}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Universe:
        """Return what `to_dict` has told."""
        return cls(read_spells(("spells", one) for one in told["spells"]), told["haircut"])


def read_spells(rows: Rows) -> tuple[Spell, ...]:
    """Return the spells that the rows of a table tell, by symbol and entry.

    Raises
    ------
    DataError
        Naming the row, and what is wrong with it.
    """
    return in_order(_spell(at, row) for at, row in rows)


def in_order(spells: Iterable[Spell]) -> tuple[Spell, ...]:
    """Return spells by symbol and entry.

    Raises
    ------
    DataError
        If two of a symbol overlap.
    """
    told = sorted(spells, key=lambda spell: (spell.symbol, _first(spell)))
    for one, after in pairwise(told):
        if one.symbol == after.symbol and (one.exit is None or _first(after) <= one.exit):
            raise DataError(
                f"data.universe: two spells of {one.symbol} overlap: one ends on {one.exit or 'no day'}, the next "
                f"begins on {after.entry or 'the first day'}"
            )
    return tuple(told)


def _first(spell: Spell) -> dt.date:
    return spell.entry or dt.date.min


def _spell(at: str, row: Mapping[str, Any]) -> Spell:
    symbol = str(row.get("symbol") or "").strip()
    if not symbol:
        raise DataError(f"{at}: there must be a symbol; the row is {dict(row)}")
    entry, leave = (day_of(row.get(name), f"{at}: {name} of {symbol}") for name in ("entry", "exit"))
    told = row.get("delisted")
    word = "" if told is None else str(told).strip().casefold().removesuffix(".0")
    if word not in WORDS:
        raise DataError(f"{at}: delisted of {symbol} must be yes or no; it was {told!r}")
    payout = _payout(row.get("payout"), f"{at}: payout of {symbol}")
    delisted = WORDS[word] or payout is not None
    if entry and leave and leave < entry:
        raise DataError(f"{at}: {symbol} exits on {leave}, before its entry on {entry}")
    if delisted and leave is None:
        raise DataError(f"{at}: {symbol} was delisted, and its exit, the last session before that, is not said")
    return Spell(symbol, entry, leave, delisted, payout)


def day_of(value: Any, what: str) -> dt.date | None:
    """Return a date; None of nothing.

    Raises
    ------
    DataError
        If it is none.
    """
    if value is None or isinstance(value, dt.date):
        return value.date() if isinstance(value, dt.datetime) else value
    try:
        return dt.date.fromisoformat(str(value).strip())
    except ValueError:
        raise DataError(f"{what} must be a date, YYYY-MM-DD; it was {value!r}") from None


def _payout(value: Any, what: str) -> float | None:
    if value is None:
        return None
    try:
        cash = float(value)
    except (TypeError, ValueError):
        cash = -1.0
    if not (np.isfinite(cash) and cash >= 0):
        raise DataError(f"{what} must be cash per share, 0 or more; it was {value!r}")
    return cash


def in_universe(bars: Bars, universe: Universe) -> Bars:
    """Return the bars of all symbols that ever belong to it, none after they were delisted; warns of what is missing.

    Bars from before a symbol's entry, and from after its exit, stay: they are history, and prices to sell at.

    Raises
    ------
    DataError
        If no symbol of the universe has a bar.
    """
    names = dict.fromkeys(spell.symbol for spell in universe.spells)
    missing = [name for name in names if name not in bars.symbols]
    if names and len(missing) == len(names):
        raise DataError(
            f"data.universe: none of its {plural(len(names), 'symbol')} ({', '.join(missing[:TOLD])}) has bars; bars "
            f"there are of {', '.join(bars.symbols[:TOLD])}"
        )
    if missing:
        more = ", ..." if len(missing) > TOLD else ""
        warnings.warn(
            f"data.universe: {len(missing)} of its {len(names)} symbols have no bars ({', '.join(missing[:TOLD])}"
            f"{more}): where these are the ones that failed, what is left are survivors",
            DataWarning,
            stacklevel=2,
        )
    inside = [name for name in bars.symbols if name in names or not names]
    kept = replace(bars if len(inside) == len(bars.symbols) else bars.select(inside), universe=universe)
    late = kept.present & kept.delisted
    if late.any():
        column = int(late.any(axis=0).argmax())
        warnings.warn(
            f"{plural(int(late.sum()), 'bar')} after a delisting are left out, the first of {kept.symbols[column]} on "
            f"{kept.sessions[int(late[:, column].argmax())]}",
            DataWarning,
            stacklevel=2,
        )
        frame = kept.to_frame()
        row = np.searchsorted(kept.times, frame["time"].dt.tz_convert(None).to_numpy())
        after = late[row, np.searchsorted(kept.symbols, frame["symbol"].to_numpy().astype(str))]
        cut = type(kept).from_frame(frame[~after], kept.calendar, [*kept.categories])
        kept = kept.beside(cut)
    return kept


def ended(bars: Bars, after: int = 5) -> list[str]:
    """Return the symbols whose bars end more than so many sessions before those of the others do."""
    days = np.unique(bars.sessions)
    if len(days) <= after:
        return []
    limit = int(np.searchsorted(bars.sessions, days[-1 - after]))
    left = bars.present[limit:]
    return [name for column, name in enumerate(bars.symbols) if not left[:, column].any()]


def survivors_only(bars: Bars, symbols: int = 50, years: int = 5) -> list[str]:
    """Tell a panel in which no symbol ever ends, although there are many, for years."""
    span = (bars.sessions[-1] - bars.sessions[0]).astype(np.int64) / 365.25
    leaves = bars.universe is not None and any(spell.exit is not None for spell in bars.universe.spells)
    if len(bars.symbols) < symbols or span < years or leaves or ended(bars):
        return []
    return [
        f"no symbol of {len(bars.symbols)} ever ends in {span:.0f} years: survivors only? Results on those that are "
        "left are better than anyone could have had; data.universe tells who belonged when, with those that failed"
    ]
