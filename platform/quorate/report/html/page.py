"""A page of sections, and each block of them as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from quorate.errors import visible
from quorate.report.html.chart import RULE, chart, wide
from quorate.report.html.drawing import points, strip
from quorate.report.html.look import SCRIPT, STYLE
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Facts, Heat, Lines, Points, Section, Spans, Table

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src {}; base-uri 'none'; form-action 'none'"


def page(title: str, sections: Sequence[Section], static: bool = False) -> str:
    """Return one file with everything in it: the same bytes for the same sections.

    Parameters
    ----------
    static : bool
        Without any script, as mail programs want it: tables cannot be sorted then, nor curves read under the pointer.
    """
    policy = POLICY.format("'none'" if static else "'unsafe-inline'")
    script = "" if static else f"<script>{SCRIPT}</script>"
    links = "".join(f'<a href="#{_anchor(one)}">{_heading(one)}</a>' for one in sections)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f'<body class="quorate">\n<h1>{_text(title)}</h1>\n<nav aria-label="Sections">{links}</nav>\n'
        f"{_all(sections, not static)}<p class=faint>{escape(RULE)}</p>\n{script}\n</body>\n</html>\n"
    )


def fragment(sections: Sequence[Section]) -> str:
    """Return sections without a page and a script around them, as notebooks show them."""
    return f'<div class="quorate"><style>{STYLE}</style>{_all(sections, False)}</div>'


def _all(sections: Sequence[Section], script: bool) -> str:
    return "".join(_section(section, i, script) for i, section in enumerate(sections))


def _anchor(section: Section) -> str:
    return escape(f"{section.name}-{section.part}" if section.part else section.name)


def _heading(section: Section) -> str:
    part = f" <small>{said_of(section.part)}</small>" if section.part else ""
    return f"{_text(section.title)}{part}"


def _section(section: Section, number: int, script: bool) -> str:
    blocks = "".join(_block(block, f"{number}-{i}", script) for i, block in enumerate(section.blocks))
    return (
        f'<section id="{_anchor(section)}">\n<h2>{_heading(section)}</h2>\n'
        f'<p class="sentence">{_text(section.sentence)}</p>\n{blocks}</section>\n'
    )


def _block(block: Block, number: str, script: bool) -> str:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Heat):
        return _heat(block)
    if isinstance(block, Lines):
        return chart(block, number, script) + "\n"
    if isinstance(block, Points):
        return points(block, number) + "\n"
    if isinstance(block, Spans):
        return strip(block, number) + "\n"
    if isinstance(block, Facts):
        rows = "".join(f"<dt>{_text(name)}</dt><dd>{_text(told)}</dd>" for name, told in block.rows)
        return f"<dl>{rows}</dl>\n"
    return f'<p class="{block.tone}">{_text(block.text)}</p>\n' if block.tone else f"<p>{_text(block.text)}</p>\n"


def _table(block: Table) -> str:
    heads = "".join(f'<th scope="col" class="{column.align}">{_text(column.heading)}</th>' for column in block.columns)
    sides = [column.align for column in block.columns]
    bodies = "".join(
        "<tbody>" + "".join(f"<tr>{_row(row, sides)}</tr>" for row in rows) + "</tbody>" for rows in block.groups
    )
    caption = f"<caption>{_text(block.title)}</caption>" if block.title else ""
    return wide(block.title, f'<table class="sortable">{caption}<thead><tr>{heads}</tr></thead>{bodies}</table>') + "\n"


def _row(row: Sequence[Cell], sides: Sequence[str]) -> str:
    """Return the cells of a row; the first names it."""
    tags = ['th scope="row"', *["td"] * len(row)]
    return "".join(
        f"<{tag}{_class(cell, side)}{_value(cell)}>{_text(cell.text)}</{tag[:2]}>"
        for tag, cell, side in zip(tags, row, sides, strict=False)
    )


def _class(cell: Cell, side: str) -> str:
    names = " ".join(name for name in ("left" if side == "left" else "num", cell.tone) if name)
    return f' class="{names}"'


def _value(cell: Cell) -> str:
    known = cell.value is not None and math.isfinite(cell.value)
    return f' data-v="{cell.value!r}"' if known else ""


def _heat(block: Heat) -> str:
    heads = "".join(f'<th scope="col">{_text(name)}</th>' for name in block.columns)
    rows = "".join(
        f'<tr><th scope="row" class="left">{_text(name)}</th>{"".join(_shaded(v, block) for v in values)}</tr>'
        for name, values in zip(block.rows, block.values, strict=True)
    )
    caption = f"<caption>{_text(block.title)}</caption>"
    table = f"<table>{caption}<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return wide(block.title, table) + "\n"


def _shaded(value: float, block: Heat) -> str:
    if not math.isfinite(value):
        return f'<td class="num">{block.said(value)}</td>'
    colour = "46,160,67" if value > 0 else "218,54,51"
    share = min(abs(value) / block.full, 1.0) * 0.45  # faint enough for the ink to be read on either background
    return f'<td class="num" style="background:rgba({colour},{share:.2f})">{escape(block.said(value))}</td>'


def _text(text: str) -> str:
    return escape(visible(text))
