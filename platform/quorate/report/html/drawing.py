"""What is drawn besides curves, as SVG: points beside their diagonal, and the stretches of time of folds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from html import escape

from quorate.errors import visible
from quorate.report.figures import figure
from quorate.report.html.chart import LEFT, RIGHT, WIDTH, days, nice, wide
from quorate.report.sections.model import Points, Spans

SIDE, EDGE = 420, 60  # of the square that points lie in, and the room for its numbers
ROW, GAP = 18, 4  # from one stretch of time to the next, and between two
TALL = ROW - GAP


def points(block: Points, number: str) -> str:
    """Return points as a figure, both axes on the same scale; each says its numbers to whoever points at it."""
    known = [(x, y) for x, y in zip(block.x, block.y, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if not known:
        return ""
    low, high = min(map(min, known)), max(map(max, known))
    room = (high - low) * 0.05 or 0.5
    low, high = low - room, high + room

    def at(value: float) -> float:
        return round((value - low) / (high - low) * SIDE, 1)

    whole = SIDE + EDGE
    parts = [f'<line style="stroke:var(--c1)" x1="{EDGE}" y1="{SIDE}" x2="{whole}" y2="0" stroke-dasharray="6 3"/>']
    for mark in nice(low, high):
        text, place = escape(figure(mark, block.unit)), at(mark)
        parts.append(
            f'<line class="grid" x1="{EDGE}" x2="{whole}" y1="{SIDE - place}" y2="{SIDE - place}"/>'
            f'<text x="{EDGE - 6}" y="{SIDE - place + 4:.1f}" text-anchor="end">{text}</text>'
            f'<text x="{EDGE + place}" y="{SIDE + 18}" text-anchor="middle">{text}</text>'
        )
    across, up = (escape(visible(name)) for name in block.names)
    for x, y in known:
        told = f"{across} {figure(x, block.unit)}, {up} {figure(y, block.unit)}"
        centre = f'cx="{EDGE + at(x)}" cy="{SIDE - at(y)}"'
        parts.append(f'<circle {centre} r="5" style="fill:var(--c0)"><title>{told}</title></circle>')
    title = escape(visible(block.title))
    said = f"{up} over {across}, {len(known)} groups; on the dashed line both are the same"
    svg = _svg(f"0 0 {whole + 10} {SIDE + 26}", title, said, parts, number)
    caption = f"<figcaption>{title} &nbsp; {up} (upwards) by {across}; dashed: where both are the same</figcaption>"
    return f'<figure class="points">{caption}{wide(block.title, svg)}</figure>'


def strip(block: Spans, number: str) -> str:
    """Return stretches of time as a figure, a row for each."""
    if not block.rows:
        return ""
    first, last = block.rows[0][1][0], max(tested[1] for _, _, tested in block.rows)
    whole = (last - first).days or 1

    def bar(span: tuple[date, date], top: int, tall: int, style: str, told: str) -> str:
        left, right = (LEFT + (day - first).days / whole * (WIDTH - LEFT - RIGHT) for day in span)
        shape = f'x="{left:.1f}" y="{top}" width="{max(right - left, 1.0):.1f}" height="{tall}"'
        return f'<rect {shape} style="{style}"><title>{told} {span[0]} to {span[1]}</title></rect>'

    parts = []
    for i, (name, learnt, tested) in enumerate(block.rows):
        top = i * ROW + GAP
        parts += [
            f'<text x="{LEFT - 8}" y="{top + TALL - 2}" text-anchor="end">{escape(visible(name))}</text>',
            bar(learnt, top + TALL // 3, TALL // 3, "fill:var(--c1)", "learnt from"),
            bar(tested, top, TALL, "fill:var(--c0)", "tested"),
        ]
    height = len(block.rows) * ROW + GAP
    for share, text in days([datetime.combine(day, time()) for day in (first, last)]):
        place = LEFT + share * (WIDTH - LEFT - RIGHT)
        parts.append(f'<text x="{place:.1f}" y="{height + 16}" text-anchor="middle">{escape(text)}</text>')
    title = escape(visible(block.title))
    svg = _svg(f"0 0 {WIDTH} {height + 22}", title, "what each learnt from and was tested on", parts, number)
    caption = f"<figcaption>{title} &nbsp; thin: learnt from; thick: tested</figcaption>"
    return f'<figure class="strip">{caption}{wide(block.title, svg)}</figure>'


def _svg(box: str, title: str, said: str, parts: Sequence[str], number: str) -> str:
    return (
        f'<svg viewBox="{box}" role="img" aria-labelledby="t{number} d{number}">'
        f'<title id="t{number}">{title}</title><desc id="d{number}">{said}</desc>{"".join(parts)}</svg>'
    )
