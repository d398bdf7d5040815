"""The report in files: a page, Markdown, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, QuorateError, RecipeError
from quorate.report.report import Report
from quorate.report.sections import sections_of, usual_of
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Heat, Lines, Points, Section, Table
from quorate.store.files import io_reason, regular, write_text


def title_of(report: Report) -> str:
    """Return what a page is called."""
    return f"{report.provenance['recipe']['name']}: {report.verdict}, {report.run_id}"


def as_html(report: Report, static: bool = False) -> str:
    """Return all sections as one page."""
    from quorate.report.html import page

    return page(title_of(report), sections_of(report), static)


def as_markdown(report: Report) -> str:
    """Return all sections as Markdown."""
    from quorate.report.markdown import page

    return page(title_of(report), sections_of(report))


def as_text(report: Report, names: Sequence[str] = ()) -> str:
    """Return sections, or those that are shown unasked, in whole lines for screen readers."""
    from quorate.report.plain import text_of

    return text_of(sections_of(report, names) if names else usual_of(report))


def write(path: Path, text: str) -> Path:
    """Write a text, atomically, and return where.

    Raises
    ------
    RecipeError
        If its folder is not there, or is no folder.
    QuorateError
        If it cannot be written, or is a link, a device or a pipe.
    """
    if path.is_dir():
        raise RecipeError(f"cannot write {path}: it is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise RecipeError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    try:
        write_text(regular(path), text)
    except OSError as e:
        raise QuorateError(f"cannot write {path}: {io_reason(e, path)}") from e
    return path


def draw(report: Report, folder: Path) -> list[Path]:
    """Draw what of a report can be drawn, and return the files.

    ``equity_drawdown``, ``monthly_returns``, ``weights``, ``learning_curves``, ``forecast_vs_actual`` and
    ``calibration``, of an opened holdout also each with ``_holdout``; ``confusion_matrix_valid`` of the development,
    ``_test`` of the holdout.

    Raises
    ------
    IntegrityError
        If a table of the run was changed.
    QuorateError
        If matplotlib is missing, or the run has no tables.
    RecipeError
        If the folder is not there.
    """
    picture = drawing(folder)
    found = []
    sections = sections_of(report, ("equity", "months", "members", "training", "forecasts"))
    if broken := [section.sentence for section in sections if not section.blocks]:
        raise IntegrityError(f"no picture is made of run {report.run_id}: {broken[0]}")
    for section in sections:
        suffix = "_holdout" if section.part == "holdout" else ""
        title = f"{report.provenance['recipe']['name']}: {section.title.lower()}, {said_of(section.part)}"
        for name, blocks in _drawn(section).items():
            path = folder / (f"{name}.png" if name.startswith("confusion") else f"{name}{suffix}.png")
            if name == "learning_curves":
                picture.draw_learning(path, title, blocks)
            elif isinstance(blocks[0], Lines):
                picture.draw_lines(path, title, blocks)
            elif isinstance(blocks[0], Heat):
                picture.draw_heat(path, title, blocks[0])
            else:
                picture.draw_points(path, title, blocks[0])
            found.append(path)
    if not found:
        raise QuorateError(f"run {report.run_id} has no tables that a picture could be made of")
    return found


def drawing(folder: Path) -> Any:
    """Return the module that draws, if it can be had and the folder is there.

    Raises
    ------
    QuorateError
        If matplotlib is missing.
    RecipeError
        If the folder is not there.
    """
    try:
        from quorate.report import picture
    except ImportError:
        raise QuorateError("pictures need matplotlib: pip install 'quorate[plots]'") from None
    if not folder.is_dir():
        raise RecipeError(f"cannot draw into {folder}: there is no such folder; make it first")
    return picture


def _drawn(section: Section) -> dict[str, list[Any]]:
    """Return what is drawn of a section, by the name of the picture."""
    found: dict[str, list[Any]]
    lines = [block for block in section.blocks if isinstance(block, Lines)]
    if section.name == "forecasts":
        which = "test" if section.part == "holdout" else "valid"
        points = [block for block in section.blocks if isinstance(block, Points)]
        found = {"forecast_vs_actual": lines, "calibration": points, f"confusion_matrix_{which}": [_confusion(section)]}
    elif section.name == "months":
        found = {"monthly_returns": [block for block in section.blocks if isinstance(block, Heat)]}
    else:
        found = {
            {"equity": "equity_drawdown", "members": "weights", "training": "learning_curves"}[section.name]: lines
        }
    return {name: blocks for name, blocks in found.items() if blocks}


def _confusion(section: Section) -> Heat:
    """Return how often up and down were forecast and came, as a grid."""
    tables = [block for block in section.blocks if isinstance(block, Table)]
    table = next(one for one in tables if one.columns[0].heading == "forecast")
    rows = [[cell.value or 0.0 for cell in row[1:]] for row in table.groups[0]]
    names = [f"forecast {row[0].text}" for row in table.groups[0]]
    return Heat("confusion", names, [column.heading for column in table.columns[1:]], rows, "count")


def draw_sweep(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw the trials of each search of a sweep, and return the files.

    ``history_SEARCH``: the value of each complete trial, and the best so far; of two objectives or more
    ``pareto_SEARCH``: the first two of every trial, those that no other dominates apart.

    Raises
    ------
    QuorateError
        If matplotlib is missing, or no trial is complete.
    RecipeError
        If the folder is not there.
    """
    picture, aims = drawing(folder), [one["name"] for one in document["objectives"]]
    found = []
    for name, search in document["searches"].items():
        complete = [trial for trial in search["trials"] if trial["state"] == "complete"]
        values = {trial["trial"]: trial.get("values") or [trial["value"]] for trial in complete}
        values = {number: told for number, told in values.items() if None not in told}
        if not values:
            continue
        title = f"{document['sweep']}: {name}"
        plain = {"trial": [(float(number), told[0]) for number, told in values.items()]}
        found.append(folder / f"history_{name}.png")
        picture.draw_cloud(found[-1], title, plain, ("trial", aims[0]))
        if len(aims) > 1:
            front = set(search["front"])
            groups = {
                "dominated": [(told[0], told[1]) for number, told in values.items() if number not in front],
                "front": [(told[0], told[1]) for number, told in values.items() if number in front],
            }
            found.append(folder / f"pareto_{name}.png")
            picture.draw_cloud(found[-1], title, groups, aims[:2])
    if not found:
        raise QuorateError(f"no trial of sweep {document['sweep']} is complete: there is nothing to draw")
    return found
