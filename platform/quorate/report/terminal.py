"""The report in a terminal, for any width."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import visible
from quorate.report import console
from quorate.report.canvas import BLANK, MARKS, Canvas, bounds, ticks
from quorate.report.figures import figure
from quorate.report.plain import lines_of
from quorate.report.rates import excess_text
from quorate.report.report import PARTS, Report
from quorate.report.sections import USUAL, of_run, sections_of, usual_of
from quorate.report.sections.about import fits_text
from quorate.report.sections.gates import said_of
from quorate.report.sections.gates import table as gates_table
from quorate.report.sections.model import Block, Cell, Column, Facts, Heat, Lines, Section, Spans, Table, Text

TONES = {"good": "green", "bad": "red", "warn": "yellow", "faint": "bright_black", "strong": "bold", "": ""}
CURVES = ("cyan", "bright_black", "magenta", "yellow", "green", "blue", "red", "bright_cyan", "bright_magenta")
ROOM = (44, 60, 80, 100, 120, 140)  # the width from which on columns of `keep` 0, 1, ... are shown
HEIGHT = 6  # of a curve, in lines
LEAST = 24  # columns that a curve needs to say anything


def render(report: Report, target: console.Console | None = None, names: Sequence[str] = ()) -> None:
    """Print sections of the report; without names those that are shown unasked."""
    target = target or console.out()
    for section in sections_of(report, names) if names else usual_of(report):
        show(section, target)
    _foot(report, target, names or USUAL)


def render_gates(report: Report, target: console.Console | None = None) -> None:
    """Print the gates alone, worst first."""
    target = target or console.out()
    for name in PARTS:
        if part := report.results[name]:
            target.print(
                f"[bold]{name.upper()}[/bold]  ", console.verdict_text(part["verdict"]), f"  {report.run_id}", sep=""
            )
            _draw(gates_table(part, part["gates"]), target)
            if excess := excess_text(report, name):
                target.print(f"[dim]{console.escape(excess)}[/dim]")
    if found := report.override:
        told = f"{found['time'][:10]}, used in spite of {found['verdict']}: {found['reason']}"
        target.print("[yellow]overridden[/yellow] " + console.escape(told))


def show(section: Section, target: console.Console) -> None:
    """Print a section."""
    part = f", {said_of(section.part)}" if section.part else ""
    title, _, word = section.title.rpartition(": ") if section.name == "verdict" else (section.title, "", "")
    head = console.Text(f"{title}{part}", style="bold")
    if word:
        head = head + console.Text("  ") + console.verdict_text(word)
    target.print(head)
    target.print(console.Text(section.sentence, style="bright_black"))
    for block in section.blocks:
        _draw(block, target)
    target.print()


def _draw(block: Block, target: console.Console) -> None:
    if isinstance(block, Table):
        _table(block, target)
    elif isinstance(block, Facts):
        target.print(console.facts(block.rows))
    elif isinstance(block, Text):
        target.print(console.Text(block.text, style=TONES[block.tone]))
    elif isinstance(block, Heat):
        target.print(_heat(block, target.width))
    elif isinstance(block, Spans):
        _spans(block, target)
    elif isinstance(block, Lines):
        _lines(block, target)
    # The numbers of points stand in a table beside them.


def _cell(cell: Cell) -> Any:
    if cell.text in console.STYLES:
        return console.verdict_text(cell.text)
    return console.Text(visible(cell.text), style=TONES[cell.tone]) if cell.tone else cell.text


def _shown(block: Table, width: int) -> tuple[list[int], str]:
    """Return the columns for which there is room, and what parts the words of their headings.

    None, where there is none for those that never give way: a number of which a part is shown would be another.
    """
    shown = [i for i, column in enumerate(block.columns) if _fits(column, width)]
    apart = " " if _needed(block, shown, " ") <= width else "\n"
    while _needed(block, shown, apart) > width:
        yielding = [i for i in shown if block.columns[i].keep]
        if not yielding:
            return [], apart
        shown.remove(max(yielding, key=lambda i: (block.columns[i].keep, i)))
    return shown, apart


def _table(block: Table, target: console.Console) -> None:
    """Print a table; where there is no room for one, its rows in whole lines."""
    shown, apart = _shown(block, target.width)
    if not shown:
        for line in lines_of(block):
            target.print(console.Text(visible(line)))
        return
    columns = [(_heading(block.columns[i], apart), str(block.columns[i].align)) for i in shown]
    groups = [[[_cell(row[i]) for i in shown] for row in rows] for rows in block.groups]
    target.print(console.table(columns, groups))


def _heading(column: Column, apart: str) -> str:
    """Return a heading; of text, which is wrapped, so is its heading."""
    return column.heading.replace(" ", apart) if column.align == "right" else column.heading


def _needed(block: Table, shown: Sequence[int], apart: str) -> int:
    """Return how wide a table is at least: numbers as they are, text by its longest word."""
    wide = 2 + 3 * (len(shown) - 1)
    for i in shown:
        column, cells = block.columns[i], [row[i].text for rows in block.groups for row in rows]
        if column.align == "right":
            wide += max(map(len, (*cells, *_heading(column, apart).split("\n"))))
        else:
            wide += max(map(len, (word for text in (*cells, column.heading) for word in text.split())), default=0)
    return wide


def _fits(column: Column, width: int) -> bool:
    return column.keep == 0 or width >= ROOM[min(column.keep, len(ROOM) - 1)]


def _heat(block: Heat, width: int) -> Any:
    """Return a grid of figures, coloured by their sign; of too many columns the one that sums up, or some."""
    places, head = range(len(block.columns)), "" if block.sums else block.title
    room = max((width - max(map(len, (head, *block.rows)))) // 8, 1)
    if block.sums and room < len(places):
        places = places[-1:]
    shown = list(places)[:: -(-len(places) // room)]
    columns = [(head, "left"), *((block.columns[i], "right") for i in shown)]
    rows: list[list[console.Text]] = []
    for name, values in zip(block.rows, block.values, strict=True):
        cells = []
        for i in shown:
            style = "green" if values[i] > 0 else "red" if values[i] < 0 else ""
            cells.append(console.Text(block.said(values[i]), style=style))
        rows.append([console.Text(name), *cells])
    return console.table(columns, [rows])


def _spans(block: Spans, target: console.Console) -> None:
    """Print a strip for each row: what was learnt from, and after it what was tested."""
    if not block.rows:
        return
    first, last = block.rows[0][1][0], max(tested[1] for _, _, tested in block.rows)
    margin = max(len(name) for name, _, _ in block.rows) + 1
    width = min(target.width - margin - 1, 120)
    if width < LEAST:
        return
    learning, testing, nothing = ("-", "#", " ") if not console.unicode(target) else ("─", "█", chr(BLANK))
    whole = (last - first).days + 1
    for name, learnt, tested in block.rows:
        begin, end, start, stop = (int((day - first).days / whole * width) for day in (*learnt, *tested))
        start = min(start, width - 1)
        line = nothing * begin + learning * (min(end + 1, start) - begin)
        line = f"{line:{nothing}<{start}}" + testing * max(stop - start, 1)
        target.print(console.Text(f"{name:>{margin - 1}} ", style="bright_black") + console.Text(line))
    days = [str(first + (last - first) * i // max(width - 1, 1)) for i in range(width)]
    told = f"{learning * 2} learnt from  {testing * 2} tested"
    target.print(console.Text(" " * margin + ticks(days, width), style="bright_black"))
    target.print(console.Text(" " * margin + told, style="bright_black"))


def _lines(block: Lines, target: console.Console) -> None:
    """Print curves on a canvas, with the bounds at its left and days below."""
    low, high = bounds(block.values)
    labels = [figure(value, block.unit) for value in (high, low)]
    margin = max(map(len, labels)) + 1
    width = min(target.width - margin - 1, 120)
    names = list(block.values)
    legend = console.Text(block.title, style="bold")
    ascii_only = not console.unicode(target)
    for i, name in enumerate(names):
        found = block.values[name]
        known = [value for value in found if math.isfinite(value)]
        last = (min(known) if block.fill else known[-1]) if known else math.nan
        mark = f"{MARKS[i % len(MARKS)]} " if ascii_only else ""
        told = f"{mark}{name} {figure(last, block.unit)}"
        legend += console.Text("  ") + console.Text(told, style=CURVES[i % len(CURVES)])
    target.print(legend)
    if width < LEAST or not len(block.times):
        return
    canvas = Canvas(width, HEIGHT, ascii_only)
    scaled = block.log and low > 0
    for i, name in enumerate(names):
        values = [math.log(value) for value in block.values[name]] if scaled else block.values[name]
        edges = (math.log(low), math.log(high)) if scaled else (low, high)
        canvas.draw(values, *edges, i)
    for y, pieces in enumerate(canvas.lines()):
        label = labels[0] if y == 0 else labels[1] if y == HEIGHT - 1 else ""
        line = console.Text(f"{label:>{margin - 1}} ", style="bright_black")
        for text, curve in pieces:
            line += console.Text(text, style=CURVES[curve % len(CURVES)] if curve >= 0 else "")
        target.print(line)
    said = [block.said(place) for place in range(len(block.times))]
    said = [text.rjust(len(said[-1])) for text in said]
    target.print(console.Text(" " * margin + ticks(said, width), style="bright_black"))


def _foot(report: Report, target: console.Console, names: Sequence[str]) -> None:
    telemetry: Mapping[str, Any] = report.telemetry
    more = [name for name in of_run(report) if name not in names]
    lines = [f"{fits_text(telemetry)}; {telemetry['seconds']:.1f} s in all"]
    if more:
        lines.append(f"more: quorate report {report.run_id} --section all, or some of {', '.join(more)}")
    lines.append(f"results {report.digest[:16]}; reproduce: quorate reproduce {report.run_id}")
    for line in lines:
        target.print(console.Text(line, style="bright_black"))
