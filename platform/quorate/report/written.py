"""The report in files: a page, Markdown, pictures."""

from __future__ import annotations

from pathlib import Path

from quorate.errors import QuorateError, RecipeError
from quorate.report.report import Report
from quorate.report.sections import sections_of
from quorate.report.sections.model import Heat, Lines, Section
from quorate.store.files import io_reason, write_text


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


def write(path: Path, text: str) -> Path:
    """Write a text, atomically, and return where.

    Raises
    ------
    RecipeError
        If its folder is not there, or is no folder.
    QuorateError
        If it cannot be written.
    """
    if path.is_dir():
        raise RecipeError(f"cannot write {path}: it is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise RecipeError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    try:
        write_text(path, text)
    except OSError as e:
        raise QuorateError(f"cannot write {path}: {io_reason(e, path)}") from e
    return path


def draw(report: Report, folder: Path) -> list[Path]:
    """Draw equity and drawdown, monthly returns and the members' weights, and return the files.

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
    found = []
    for section in sections_of(report, ("equity", "months", "members")):
        suffix = "_holdout" if section.part == "holdout" else ""
        lines = [block for block in section.blocks if isinstance(block, Lines)]
        heats = [block for block in section.blocks if isinstance(block, Heat)]
        path = folder / f"{PICTURES[section.name]}{suffix}.png"
        if lines:
            picture.draw_lines(path, _titled(section, report), lines)
        elif heats:
            picture.draw_heat(path, _titled(section, report), heats[0])
        else:
            continue
        found.append(path)
    if not found:
        raise QuorateError(f"run {report.run_id} has no tables that a picture could be made of")
    return found


PICTURES = {"equity": "equity_drawdown", "months": "monthly_returns", "members": "weights"}


def _titled(section: Section, report: Report) -> str:
    return f"{report.provenance['recipe']['name']}: {section.title.lower()}"
