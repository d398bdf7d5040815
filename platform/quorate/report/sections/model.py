"""What sections are made of. Every number carries its text, so that all renderings show the same one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from quorate.report.figures import figure

Tone = Literal["", "good", "bad", "warn", "faint", "strong"]


@dataclass(frozen=True)
class Cell:
    """One place of a table.

    Parameters
    ----------
    text : str
        As it is shown everywhere.
    value : float or None
        What it stands for, to sort by; None for words, and for what is not known.
    tone : {"", "good", "bad", "warn", "faint", "strong"}
        Stressed beside the words, never in their place.
    """

    text: str
    value: float | None = None
    tone: Tone = ""


@dataclass(frozen=True)
class Column:
    """A column: its heading, which is a word of the glossary, its side, and how soon it gives way.

    Parameters
    ----------
    keep : int
        The narrower the terminal, the more columns are left out: those first whose `keep` is the largest, none that
        has 0.
    """

    heading: str
    align: Literal["left", "right"] = "right"
    keep: int = 0


@dataclass(frozen=True)
class Table:
    """Rows in groups, with a rule or a gap between them."""

    columns: Sequence[Column]
    groups: Sequence[Sequence[Sequence[Cell]]]
    title: str = ""


@dataclass(frozen=True)
class Lines:
    """Curves over the same times.

    Parameters
    ----------
    times : sequence of datetime or int, (n,)
        Sessions, or bars, ascending; or whole numbers, which `across` names.
    values : mapping of str to sequence of float, (n,)
        By the name of the curve; NaN where there is none. Plain numbers: to show a report loads no NumPy.
    unit : str
        How values read, a key of `quorate.report.figures.FORMS`.
    log : bool
        On a logarithmic scale.
    fill : bool
        The area to zero is filled: of drawdowns.
    across : str
        What `times` are, where they are numbers, e.g. ``epoch``.
    ranges : mapping of str to (sequence of float, sequence of float), each (n,)
        The lowest and the highest of what a curve is the middle of, by the name of the curve.
    mark : int, optional
        The number that is marked; `marked` says as what.
    """

    title: str
    times: Sequence[datetime] | Sequence[int]
    values: Mapping[str, Sequence[float]]
    unit: str
    log: bool = False
    fill: bool = False
    across: str = ""
    ranges: Mapping[str, tuple[Sequence[float], Sequence[float]]] = field(default_factory=dict)
    mark: int | None = None
    marked: str = ""

    def said(self, place: int) -> str:
        """Return a time as it is read."""
        return f"{self.across} {self.times[place]}" if self.across else str(self.times[place])[:10]

    def after(self, place: int) -> float:
        """Return how long after the first a time is."""
        gap: Any = self.times[place] - self.times[0]  # type: ignore[operator]
        return float(gap.total_seconds() if isinstance(gap, timedelta) else gap)

    @property
    def edges(self) -> Mapping[str, Sequence[float]]:
        """The curves, and the edges of their ranges."""
        more = {f"{name}/{i}": edge for name, both in self.ranges.items() for i, edge in enumerate(both)}
        return {**self.values, **more}


@dataclass(frozen=True)
class Heat:
    """A grid of numbers that are coloured by their size: rows and columns by name, NaN where there is none.

    Parameters
    ----------
    full : float
        From this size on a number has the strongest colour.
    sums : bool
        Whether the last column sums up the others, and alone is shown where there is no room for them.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]
    unit: str
    full: float = 0.10
    sums: bool = False

    def said(self, value: float) -> str:
        """Return a number as it is read; a place without one is empty where the others are summed up."""
        return "" if self.sums and not math.isfinite(value) else figure(value, self.unit)


@dataclass(frozen=True)
class Points:
    """Points, and the diagonal on which they would lie if x told y.

    Parameters
    ----------
    x, y : sequence of float, (n,)
        In order of x.
    names : tuple of str
        What x and y are.
    unit : str
        How both read.
    """

    title: str
    x: Sequence[float]
    y: Sequence[float]
    names: tuple[str, str]
    unit: str


@dataclass(frozen=True)
class Spans:
    """Stretches of time below each other, a row for each fold: what it learnt from, and what it was tested on.

    Parameters
    ----------
    rows : sequence of (name, learnt, tested)
        `learnt` and `tested` are each the first and the last day.
    """

    title: str
    rows: Sequence[tuple[str, tuple[date, date], tuple[date, date]]]


@dataclass(frozen=True)
class Facts:
    """Names, and what is said of each."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    tone: Tone = ""


Block = Table | Lines | Heat | Points | Spans | Facts | Text


@dataclass(frozen=True)
class Section:
    """A part of the report under one heading.

    Parameters
    ----------
    name : str
        As ``--section`` takes it.
    title : str
        The heading.
    sentence : str
        What the section shows, in one sentence.
    blocks : sequence of Block
        From top to bottom.
    part : {"development", "holdout", ""}
        Of which part of the run it tells; "" for the run as a whole.
    """

    name: str
    title: str
    sentence: str
    blocks: Sequence[Block] = field(default=())
    part: str = ""
