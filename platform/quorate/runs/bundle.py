"""A run in one file, for others to hold against their own computations: see `quorate.runs.verify`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quorate.errors import StoreError
from quorate.report.report import PARTS, Report
from quorate.runs.bundle_file import RECIPE, REPORT, Contents, Fit, digest_of, write
from quorate.runs.loaded import load_report
from quorate.statistics import Floats
from quorate.store.files import regular
from quorate.store.home import Home

ENDING = ".quorate.zip"
MEMBER = "member/"


@dataclass(frozen=True)
class Bundled:
    """A bundle that was written.

    Parameters
    ----------
    path, run, root : str
        The file, the run's id, and the root of its hash tree.
    bytes, fits, sources : int
        Its size; how many fits are in the tree, and how many plugin files with it.
    bars : {"included", "fingerprint"}
        Whether the bars are in it.
    fingerprint : str
        Of the bars.
    """

    path: str
    run: str
    root: str
    bytes: int
    fits: int
    sources: int
    bars: str
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def bundle(
    name: str = "latest", path: str | Path | None = None, *, bars: bool = False, home: str | Path | None = None
) -> Bundled:
    """Write a finished run into one file: report, recipe, plugin files, predictions, and a hash tree over all fits.

    Nothing is computed, and no plugin is executed. The same run gives the same bytes.

    Parameters
    ----------
    name : str
        The run's id, an unambiguous part of it, or ``latest``.
    path : path, optional
        The file; default: ``RUN.quorate.zip`` in the current folder.
    bars : bool
        Whether the bars are in it; else whoever verifies it must have them, and it says which by their fingerprint.

    Raises
    ------
    StoreError
        If it cannot be written, or what the run was made of is not in the home.
    IntegrityError
        If the run was changed.
    """
    report = load_report(name, home=home)
    stored = report.source
    assert stored is not None  # it was loaded
    target = regular(Path(path) if path is not None else Path(f"{report.run_id}{ENDING}"))
    stored.home.check_outside(target)
    _check_outside_python(report)
    plugins = report.provenance["plugins"]
    files = {
        REPORT: (stored.path / "report.json").read_bytes(),
        RECIPE: (stored.path / "recipe.toml").read_bytes(),
        **{
            f"sources/{sha256}.py": stored.home.source(sha256, file).text.encode()
            for sha256, file in {(p["sha256"], p["file"]) for p in plugins if p["sha256"]}
        },
    }
    fingerprint = report.provenance["data"]["fingerprint"]
    if bars:
        files |= _bars(stored.home, fingerprint)
    contents = _contents(report, "included" if bars else "fingerprint", files)
    size = write(contents, target)
    sources = sum(name.startswith("sources/") for name in files)
    return Bundled(
        str(target), report.run_id, contents.root, size, len(contents.fits), sources, contents.bars, fingerprint
    )


def _check_outside_python(report: Report) -> None:
    """Raise `StoreError`, if a plugin of the run is kept nowhere, so that nobody could compute it again."""
    inline = [f"{p['kind']} {p['name']!r}" for p in report.provenance["plugins"] if p.get("inline")]
    if inline:
        raise StoreError(
            f"cannot bundle run {report.run_id}: it used the inline plugin {inline[0]}, which is stored nowhere, so "
            "that nobody could compute it again; put it into a file, give that, and run it once more"
        )


def _bars(home: Home, fingerprint: str) -> dict[str, bytes]:
    """Return the files of the bars, after checking that they are those of the run."""
    home.bars(fingerprint)
    found = {f"bars/{path.name}": path.read_bytes() for path in home.bars_files(fingerprint)}
    if odd := next((name for name in found if not re.fullmatch(r"bars/[0-9a-f]{64}\.[a-z.]{1,40}", name)), None):
        raise StoreError(f"cannot bundle the bars {fingerprint[:12]}: {odd} is no file that a home keeps for them")
    return found


def _contents(report: Report, bars: str, files: dict[str, bytes]) -> Contents:
    fits: list[Fit] = []
    columns: dict[str, list[str]] = {}
    folds: dict[str, list[tuple[int, int]]] = {}
    predictions, table = report.stored("predictions"), report.stored("fits")
    for part in (part for part in PARTS if report.results[part]):
        frame, own = predictions[predictions["part"] == part], table[table["part"] == part]
        names = [str(name) for name in frame.columns if str(name).startswith(MEMBER)]
        columns[part] = [name.removeprefix(MEMBER) for name in names]
        of = frame["fold"].to_numpy(dtype=np.int64)
        order, counts = np.unique(of, return_counts=True)
        folds[part] = [(int(fold), int(rows)) for fold, rows in zip(order, counts, strict=True)]
        whole = frame[names].to_numpy(dtype=np.float64).T
        if (np.diff(of) < 0).any():
            raise StoreError(f"cannot bundle run {report.run_id}: its predictions of the {part} are not fold by fold")
        files[f"predictions/{part}.f64"] = np.ascontiguousarray(whole, dtype="<f8").tobytes()
        fits += [_fit(part, row, of, columns[part], whole) for row in own.to_dict("records")]
    return Contents(report.run_id, bars, fits, columns, folds, files)


def _fit(part: str, row: Mapping[Any, Any], of: np.ndarray[Any, Any], columns: list[str], whole: Floats) -> Fit:
    """Return the leaf of one row of a run's table of fits."""
    model, mine = str(row["model"]), of == row["fold"]
    values = {name: whole[j, mine] for j, name in enumerate(columns) if name == model or name.startswith(f"{model}/")}
    error = row.get("error")
    told = error if isinstance(error, str) else ""
    return Fit(part, model, int(row["fold"]), int(mine.sum()), str(row["key"]), told, digest_of(values))
