"""What a client asks: read, checked, and made bars; what is wrong is told by the field that it is in."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from quorate.bars.panel import FIELDS, PRICES, Bars
from quorate.bars.reading import LARGEST, ROUNDING, SMALLEST
from quorate.errors import near_misses, one_of
from quorate.statistics import Floats

BATCH = 64  # requests in one
SHOWN = 60  # characters of what a client sent, at most, that an error tells
YEARS = (1900, 2200)  # beyond, a time is a mistake
RECENT = 250  # bars, whose distances say what a usual one is
ROWS, COLUMNS = "rows", "columns"

T = TypeVar("T", bound=BaseModel)


class Refused(Exception):
    """What was asked is not answered.

    Parameters
    ----------
    status : int
        Of the answer, as HTTP has it.
    message : str
        What must be, and what was.
    field : str
        Where in the request, e.g. ``bars[3].close``.
    headers : mapping
        Further headers of the answer.
    """

    def __init__(self, status: int, message: str, field: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{field} {message}" if field else message)
        self.status, self.message, self.field, self.headers = status, message, field, headers or {}

    def within(self, place: str) -> Refused:
        """Return the same of a field of something in the request."""
        return Refused(self.status, self.message, f"{place}.{self.field}" if self.field else place, self.headers)

    def to_dict(self) -> dict[str, Any]:
        """Return what the client is told."""
        return {"error": {"message": str(self), **({"field": self.field} if self.field else {})}}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Bar(_Strict):
    """A bar of one symbol, stamped with its close."""

    time: str = Field(description="The close, ISO 8601 with its time zone; of daily bars the date is enough.")
    symbol: str | None = Field(None, description="Not needed where the version knows one symbol.")
    open: float
    high: float
    low: float
    close: float
    volume: float | None = None


class BarColumns(_Strict):
    """Bars by column: lists of one length."""

    time: list[str]
    symbol: list[str] | None = None
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float | None] | None = None


def _form(value: Any) -> str:
    return COLUMNS if isinstance(value, dict | BarColumns) else ROWS


Forms = Annotated[Annotated[list[Bar], Tag(ROWS)] | Annotated[BarColumns, Tag(COLUMNS)], Discriminator(_form)]


class Ask(_Strict):
    """What is asked of a version: what it forecasts at the last of these bars."""

    version: str | None = Field(None, description="NAME or NAME@3; not needed where one version is served.")
    bars: Forms | None = Field(
        None, description="They take the place of what the version knows from their first time on."
    )
    source: str | None = Field(None, description="In place of bars: the name of a source that the server offers.")


class Batch(_Strict):
    """Several such."""

    requests: list[Ask] = Field(min_length=1, max_length=BATCH)


def read(body: bytes, kind: type[T]) -> T:
    """Return what a body asks, or raise `Refused`, which names the first field that is wrong."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as e:
        raise _refused(e, kind) from None


def _refused(error: ValidationError, kind: type[BaseModel]) -> Refused:
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return Refused(400, f"the body must be JSON: {first['ctx']['error']}")
    place, was = _place(first["loc"]), first["input"]
    if first["type"] == "missing":
        return Refused(422, "is missing", place)
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        known = {**kind.model_fields, **Ask.model_fields, **Bar.model_fields}
        return Refused(422, f"is not known{near_misses(name[:SHOWN], known)}", place)
    rule = {
        "finite_number": "must be a finite number",
        "float_type": "must be a number",
        "string_type": "must be a text",
        "list_type": "must be a list",
        "too_long": f"must have {BATCH} entries at most",
        "too_short": "must have an entry at least",
    }.get(first["type"], "must be an object" if first["type"].startswith("model") else first["msg"])
    return Refused(422, f"{rule}; it was {shown(was)}", place or "the body")


def _place(loc: Sequence[int | str]) -> str:
    """Return where something is, ``bars[3].close``; pydantic puts the form of bars between."""
    found, before = "", ""
    for part in loc:
        if isinstance(part, int):
            found += f"[{part}]"
        elif not (before == "bars" and part in (ROWS, COLUMNS)):
            name = part if len(part) <= SHOWN else f"{part[:SHOWN]}..."
            found += f".{name}" if found else name
        before = str(part)
    return found


def shown(value: Any) -> str:
    """Return what was sent as an error tells it: short, and nothing that could steer a terminal."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = repr(value)
    return ascii(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")[1:-1].replace("\\'", "'")


@dataclass(frozen=True, eq=False)
class Sent:
    """Bars that a client sent, checked and in order.

    Parameters
    ----------
    times : ndarray of datetime64[us], (n_bars,)
        Closes, UTC.
    fields : dict of str to ndarray of float64, (n_bars, n_symbols)
        By the symbols of the version, NaN where one has no bar.
    digest : str
        SHA-256 over all of it.
    """

    times: NDArray[np.datetime64]
    fields: dict[str, Floats]
    digest: str

    def bars(self, known: Bars, place: str) -> Bars:
        """Return them as bars of the market that is known.

        Raises
        ------
        Refused
            If a session would have two daily bars: a time is not the close that the version's bars have.
        """
        sessions = known.calendar.sessions(self.times)
        if known.frequency == "1d":
            before = int(np.searchsorted(known.times, self.times[0]))
            every = np.concatenate([known.sessions[max(before - 1, 0) : before], sessions])
            if (twice := np.flatnonzero(every[1:] == every[:-1])).size:
                day = every[twice[0]]
                close = known.calendar.close_times(np.array([day]))[0]
                rule = f"must have one bar a session, stamped with its close; {day} has two: is {close}Z meant?"
                raise Refused(422, rule, place)
        wide: dict[str, Any] = self.fields
        return replace(known, times=self.times, sessions=sessions, read=(), benchmark=None, factors=None, **wide)

    def late(self, known: Bars) -> str:
        """Return a warning, if bars seem to be missing between those known and these; else nothing."""
        before = int(np.searchsorted(known.times, self.times[0]))
        if before < 2:
            return ""
        usual = np.diff(known.times[max(before - RECENT, 0) : before]).max()
        if self.times[0] - known.times[before - 1] <= usual:
            return ""
        return (
            f"bars seem to be missing: the last one known before is of {known.times[before - 1]}Z, the first one sent "
            f"of {self.times[0]}Z; send all since then"
        )


def sent(asked: list[Bar] | BarColumns, known: Bars, place: str = "bars") -> Sent:
    """Return bars as they were sent, checked as those that are read from a file, and in order of time.

    Parameters
    ----------
    known : Bars
        Of the version: its symbols, its clock, and whether there is volume.
    place : str
        Where in the request they are.

    Raises
    ------
    Refused
        Naming the first field that is wrong.
    """
    table = _Table(asked, place)
    times, column = table.times(known), table.columns(known)
    values = table.values(known)
    ends, row = np.unique(times, return_inverse=True)
    cell = row * len(known.symbols) + column
    if len(np.unique(cell)) < len(cell):
        order = np.argsort(cell, kind="stable")
        second = int(order[1:][np.diff(cell[order]) == 0].min())
        was = f"{shown(table.of('time')[second])}, which its symbol has already"
        raise table.refused(second, "time", "must be another at each bar of a symbol", was)
    fields = {}
    digest = hashlib.sha256("\0".join(known.symbols).encode())
    digest.update(ends.astype(np.int64).tobytes())
    for name, numbers in values.items():
        wide = np.full((len(ends), len(known.symbols)), np.nan, order="F")
        wide[row, column] = numbers
        wide.flags.writeable = False
        digest.update(wide.tobytes(order="F"))
        fields[name] = wide
    return Sent(ends, fields, digest.hexdigest())


class _Table:
    """Bars as they were sent, of either form, by column."""

    def __init__(self, asked: list[Bar] | BarColumns, place: str) -> None:
        self._asked, self._place = asked, place
        if isinstance(asked, list):
            self._n = len(asked)
        else:
            self._n = len(asked.time)
            for name in ("symbol", *FIELDS):
                if (column := getattr(asked, name)) is not None and len(column) != self._n:
                    raise Refused(422, f"must have {self._n} entries, as time; it has {len(column)}", f"{place}.{name}")
        if not self._n:
            raise Refused(422, "must have a bar at least; it was empty", place)

    def of(self, name: str) -> list[Any]:
        """Return a column; None where nothing was sent."""
        if isinstance(self._asked, list):
            return [getattr(one, name) for one in self._asked]
        return getattr(self._asked, name) or [None] * self._n

    def refused(self, at: int, name: str, rule: str, was: str) -> Refused:
        """Return the error of a field of a bar."""
        place = f"[{at}].{name}" if isinstance(self._asked, list) else f".{name}[{at}]"
        return Refused(422, f"{rule}; it was {was}", f"{self._place}{place}")

    def times(self, known: Bars) -> NDArray[np.datetime64]:
        """Return the closes, UTC."""
        found = []
        for at, text in enumerate(self.of("time")):
            try:
                moment = dt.datetime.fromisoformat(text)
                daily = len(text) == 10 and known.frequency == "1d"
                if not YEARS[0] <= moment.year < YEARS[1] or (moment.tzinfo is None and not daily):
                    raise ValueError
            except ValueError:
                date = ", or the date of a session" if known.frequency == "1d" else ""
                rule = f"must be the close, as 2026-11-30T21:00:00Z, with its time zone{date}"
                raise self.refused(at, "time", rule, shown(text)) from None
            if daily:
                found.append(known.calendar.close_times(np.array([text], dtype="datetime64[D]"))[0])
            else:
                found.append(np.datetime64(moment.astimezone(dt.UTC).replace(tzinfo=None), "us"))
        return np.array(found, dtype="datetime64[us]")

    def columns(self, known: Bars) -> NDArray[np.int64]:
        """Return the place of each bar's symbol among those of the version."""
        places = {name: at for at, name in enumerate(known.symbols)}
        only = 0 if len(places) == 1 else None
        found = [places.get(name) if name is not None else only for name in self.of("symbol")]
        for at, place in enumerate(found):
            if place is None:
                name = self.of("symbol")[at]
                was = "left out" if name is None else f"{shown(name)}{near_misses(name[:SHOWN], places)}"
                few = one_of(known.symbols[:5]) + (", ..." if len(places) > 5 else "")
                raise self.refused(at, "symbol", f"must be one of {few}", was)
        return np.array(found, dtype=np.int64)

    def values(self, known: Bars) -> dict[str, Floats]:
        """Return the numbers, highs and lows widened by what rounding took from them."""
        found = {name: np.array(self.of(name), dtype=np.float64) for name in FIELDS}
        for name in PRICES:
            self._check(name, found[name] > 0, found, "must be above 0")
            inside = (found[name] >= SMALLEST) & (found[name] <= LARGEST)
            self._check(name, inside, found, f"must lie between {SMALLEST:g} and {LARGEST:g}")
        if not np.isfinite(known.volume[-RECENT:]).any():
            found["volume"][:] = np.nan
        else:
            self._check("volume", found["volume"] >= 0, found, "must be 0 or more, as the version's bars have volume")
        for name, edge, side in (
            ("high", np.maximum(found["open"], found["close"]), 1.0),
            ("low", np.minimum(found["open"], found["close"]), -1.0),
        ):
            short = side * (edge - found[name])
            word = "below" if side > 0 else "above"
            self._check(name, short <= ROUNDING * edge, found, f"must not be {word} open or close")
            found[name] = np.where(short > 0, edge, found[name])
        return found

    def _check(self, name: str, good: NDArray[np.bool_], found: dict[str, Floats], rule: str) -> None:
        if not good.all():
            at = int(good.argmin())
            was = self.of(name)[at]
            raise self.refused(at, name, rule, "left out" if was is None else f"{was!r}")
