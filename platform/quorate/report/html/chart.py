"""Curves as SVG."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime
from html import escape

from quorate.errors import visible
from quorate.report.canvas import bounds
from quorate.report.figures import figure
from quorate.report.sections.model import Lines

WIDTH, HEIGHT = 960, 280
LEFT, RIGHT, TOP, BOTTOM = 76, 12, 12, 26  # margins
POINTS = 1000  # that are drawn of all curves of a chart together
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4", "12 4")  # with them colours are not needed
RULE = (
    f"Of more than {POINTS:,} bars a chart shows, of equal stretches of time, the lowest and the highest of each curve."
)


def thinned(curves: Sequence[Sequence[float]], points: int = POINTS) -> list[int]:
    """Return the places that are drawn: the first, the last, and of each stretch the lowest and highest of every curve.

    Parameters
    ----------
    curves : sequence of sequence of float
        Of the same length; NaN where there is none.
    points : int
        At most so many of all curves together, where there are more.
    """
    n = len(curves[0]) if curves else 0
    if n <= points:
        return list(range(n))
    stretches = max(points // (2 * len(curves) + 1), 1)
    chosen = {0, n - 1}
    for k in range(stretches):
        stretch = range(k * n // stretches, (k + 1) * n // stretches)
        for curve in curves:
            known = [i for i in stretch if math.isfinite(curve[i])]
            if known:
                chosen |= {min(known, key=curve.__getitem__), max(known, key=curve.__getitem__)}
    return sorted(chosen)


def nice(low: float, high: float, most: int = 6) -> list[float]:
    """Return round values between two, at most so many: 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step *= next(factor for factor in (1, 2, 5, 10, 20) if (high - low) / (step * factor) <= most)
    return [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def nice_logs(low: float, high: float) -> list[float]:
    """Return round values between two for a logarithmic scale."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        found = [f * 10.0**p for p in powers for f in factors if low <= f * 10.0**p <= high]
        if len(found) >= 3:
            return found[:: max(len(found) // 6, 1)]
    return nice(low, high)


def days(times: Sequence[datetime], most: int = 8) -> list[tuple[float, str]]:
    """Return where in time, as a share of the whole, which years or months are written."""
    first, last = times[0], times[-1]
    whole = (last - first).total_seconds() or 1.0
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 12_000) if months / step <= most)
    found = []
    start = -(-(first.year * 12 + first.month - 1) // step) * step
    for month in range(start, last.year * 12 + last.month, step):
        when = first.replace(year=month // 12, month=month % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
        if first <= when <= last:
            text = str(when.year) if step >= 12 else f"{when.year}-{when.month:02d}"
            found.append(((when - first).total_seconds() / whole, text))
    return found or [(0.0, str(first)[:10]), (1.0, str(last)[:10])]


class Frame:
    """Where values lie in the picture."""

    def __init__(self, block: Lines) -> None:
        low, high = bounds(block.edges)
        self.log = block.log and low > 0 and high > low
        if block.fill:
            high = max(high, 0.0)
        room = 0.0 if self.log or high <= low else (high - low) * 0.04
        self.low, self.high = low - (0.0 if block.fill and low == 0 else room), high + (0.0 if block.fill else room)
        self._block, self._whole = block, block.after(-1) or 1.0

    def x(self, place: int) -> float:
        """Return where the time at a place is."""
        return self.at(self._block.after(place) / self._whole)

    @staticmethod
    def at(share: float) -> float:
        """Return where a share of the width is."""
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Return where a value is."""
        low, high, at = (
            (math.log(v) for v in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        share = (at - low) / (high - low) if high > low else 0.5
        return round(TOP + (1 - share) * (HEIGHT - TOP - BOTTOM), 1)


def chart(block: Lines, number: str, script: bool) -> str:
    """Return curves as a figure.

    Parameters
    ----------
    number : str
        Tells its parts from those of others.
    script : bool
        With what the page's script reads out under the pointer.
    """
    title = escape(visible(block.title))
    if not block.times:
        return f"<p class=faint>{title}: there is nothing to draw.</p>"
    frame = Frame(block)
    places = thinned(list(block.values.values()))
    marks = nice_logs(frame.low, frame.high) if frame.log else nice(frame.low, frame.high)
    parts = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{frame.y(v)}" y2="{frame.y(v)}"/>'
        f'<text x="{LEFT - 8}" y="{frame.y(v) + 4:.1f}" text-anchor="end">{escape(figure(v, block.unit))}</text>'
        for v in marks
    ]
    parts += [
        f'<text x="{frame.at(share)}" y="{HEIGHT - 8}" text-anchor="middle">{escape(text)}</text>'
        for share, text in _named(block)
        if block.across or LEFT + 20 < frame.at(share) < WIDTH - RIGHT - 20
    ]
    keys = []
    for i, (name, values) in enumerate(block.values.items()):
        colour, dash = f"var(--c{i % 6})", DASHES[(i + i // 6) % len(DASHES)]  # no two of 36 look the same
        if name in block.ranges:
            parts.append(_range(block.ranges[name], frame, places, colour))
        for run in _runs(places, values):
            points = " ".join(f"{frame.x(k)},{frame.y(values[k])}" for k in run)
            if block.fill and i == 0:
                ends = [f"{frame.x(k)},{frame.y(0.0)}" for k in (run[-1], run[0])]
                parts.append(f'<polygon class="area" style="fill:{colour}" points="{points} {" ".join(ends)}"/>')
            stroke = f'style="stroke:{colour}"' + (f' stroke-dasharray="{dash}"' if dash else "")
            parts.append(f'<polyline class="curve" {stroke} points="{points}"/>')
        line = "dashed" if dash else "solid"
        keys.append(
            f'<span class="key" style="border-color:{colour};border-top-style:{line}"></span> {escape(visible(name))}'
        )
    hair = f'<line class="hair" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>' if script else ""
    parts += _marked(block, frame)
    said = f"{title}, {block.said(0)} to {block.said(-1)}: {escape(visible(_said(block)))}"
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t{number} d{number}">'
        f'<title id="t{number}">{title}</title><desc id="d{number}">{said}</desc>{"".join(parts)}{hair}</svg>'
    )
    read = f"<output></output>{_readout(block, frame, places)}" if script else ""
    caption = f"<figcaption>{title} &nbsp; {' &nbsp; '.join(keys)}</figcaption>"
    return f'<figure class="lines">{caption}{wide(block.title, svg)}{read}</figure>'


def _named(block: Lines) -> list[tuple[float, str]]:
    """Return what is written below, and where, as a share of the width."""
    if not block.across:
        return days(block.times)  # type: ignore[arg-type]
    first, whole = block.times[0], block.after(-1) or 1.0
    found = [int(n) for n in nice(first, block.times[-1], 10) if n == int(n)]  # type: ignore[arg-type]
    return [((n - first) / whole, str(n)) for n in found]  # type: ignore[operator]


def _range(edges: tuple[Sequence[float], Sequence[float]], frame: Frame, places: Sequence[int], colour: str) -> str:
    """Return the area between the lowest and the highest of what a curve is the middle of."""
    known = [k for k in places if math.isfinite(edges[0][k]) and math.isfinite(edges[1][k])]
    there = [f"{frame.x(k)},{frame.y(edges[0][k])}" for k in known]
    back = [f"{frame.x(k)},{frame.y(edges[1][k])}" for k in reversed(known)]
    return f'<polygon class="area" style="fill:{colour}" points="{" ".join([*there, *back])}"/>' if known else ""


def _marked(block: Lines, frame: Frame) -> list[str]:
    """Return a line at the number that is marked, and what it is."""
    if block.mark is None or block.mark not in block.times:
        return []
    x = frame.x(list(block.times).index(block.mark))
    side, apart = ("end", -6) if x > WIDTH / 2 else ("start", 6)
    return [
        f'<line class="mark" x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text x="{x + apart}" y="{TOP + 12}" text-anchor="{side}">{escape(visible(block.marked))}</text>'
    ]


def wide(title: str, inside: str) -> str:
    """Return what scrolls inside itself where the page is narrower, by keys, too."""
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{escape(visible(title or "table"))}">{inside}</div>'
    )


def _runs(places: Sequence[int], values: Sequence[float]) -> list[list[int]]:
    """Return the places that have a value, parted where there is none."""
    found: list[list[int]] = [[]]
    for k in places:
        if math.isfinite(values[k]):
            found[-1].append(k)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def _said(block: Lines) -> str:
    """Return the last, lowest and highest of each curve, for whoever does not see it."""
    told = []
    for name, values in block.values.items():
        if known := [value for value in values if math.isfinite(value)]:
            last, low, high = (figure(value, block.unit) for value in (known[-1], min(known), max(known)))
            told.append(f"{name} ends at {last}, between {low} and {high}")
    return "; ".join(told)


def _readout(block: Lines, frame: Frame, places: Sequence[int]) -> str:
    data = {
        "width": WIDTH,
        "x": [frame.x(k) for k in places],
        "day": [block.said(k) for k in places],
        "told": {name: [figure(values[k], block.unit) for k in places] for name, values in block.values.items()},
    }
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json">{text}</script>'
