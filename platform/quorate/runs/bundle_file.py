"""The file of a bundle: what is in it, how it is written, and how one from anywhere is read without harm.

A ZIP archive, whose bytes are the same for the same run, with no pickle in it::

    bundle.json             format and version, the run, hashes of all files, and the fits: the leaves of the hash tree
    report.json recipe.toml as the run has them
    sources/SHA256.py       the plugin files that the run used
    predictions/PART.f64    float64, little-endian, a column of `columns` after the other, rows fold by fold
    bars/...                the bars, as a home keeps them, if they are in it
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from quorate.errors import IntegrityError, StoreError
from quorate.recipe.canonical import canonical
from quorate.report.report import PARTS
from quorate.runs.bundle_tree import root_of
from quorate.statistics import Floats
from quorate.store.files import replacing

FORMAT, VERSION = "quorate-bundle", 1
INDEX, REPORT, RECIPE = "bundle.json", "report.json", "recipe.toml"
LARGEST = 2 << 30  # bytes of all files, unpacked
LARGEST_TEXT = 256 << 20  # bytes of one that is not bars or predictions
MOST = 10_000  # files
DEEPEST = 64  # tables in tables of a JSON document
_NAMES = re.compile(
    rf"{INDEX}|{REPORT}|{RECIPE}|sources/[0-9a-f]{{64}}\.py|predictions/(?:{'|'.join(PARTS)})\.f64"
    r"|bars/[0-9a-f]{64}\.[a-z.]{1,40}"
)
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Fit:
    """One fit of a run, a leaf of the tree.

    Parameters
    ----------
    part, model : str
        Which part of the run, and what the recipe calls the member.
    fold, rows : int
        The fold, and how many rows of it were predicted.
    key : str
        The hash of all that it was computed from.
    error : str
        Why it failed; empty, if it did not.
    sha256 : str
        Of its predictions and other outputs, named, float64.
    """

    part: str
    model: str
    fold: int
    rows: int
    key: str
    error: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.part}, model {self.model!r} on fold {self.fold}"


@dataclass(frozen=True, eq=False)
class Contents:
    """All that a bundle holds.

    Parameters
    ----------
    run : str
        The run's id.
    bars : {"included", "fingerprint"}
        Whether the bars themselves are in it.
    fits : sequence of Fit
        In the order of the tree.
    columns : mapping of str to sequence of str
        By part: the columns of its predictions, ``MODEL`` or ``MODEL/OUTPUT``.
    folds : mapping of str to sequence of (int, int)
        By part: each fold with its number of rows.
    files : mapping of str to bytes
        All but `INDEX`.
    """

    run: str
    bars: str
    fits: Sequence[Fit]
    columns: Mapping[str, Sequence[str]]
    folds: Mapping[str, Sequence[tuple[int, int]]]
    files: Mapping[str, bytes]

    @property
    def about(self) -> dict[str, Any]:
        """What is said of the bundle as a whole."""
        about = {"format": FORMAT, "version": VERSION, "run": self.run, "bars": self.bars}
        return {**about, "columns": self.columns, "folds": self.folds}

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}

    @cached_property
    def root(self) -> str:
        """The root of the hash tree."""
        return tree(self.about, self.hashes, self.fits)

    def values(self, fit: Fit) -> dict[str, Floats]:
        """Return the predictions of a fit, under its model's name, and its other outputs, ``MODEL/OUTPUT``."""
        whole = self._predictions[fit.part]
        start = 0
        for fold, rows in self.folds[fit.part]:
            if fold == fit.fold:
                break
            start += rows
        own = [name for name in self.columns[fit.part] if name == fit.model or name.startswith(f"{fit.model}/")]
        places = [self.columns[fit.part].index(name) for name in own]
        return {name: whole[at, start : start + fit.rows] for name, at in zip(own, places, strict=True)}

    @cached_property
    def _predictions(self) -> dict[str, Floats]:
        """The predictions of every part, (n_columns, n_rows)."""
        return {
            part: np.frombuffer(self.files[f"predictions/{part}.f64"], dtype="<f8")
            .astype(np.float64)
            .reshape(len(self.columns[part]), sum(rows for _, rows in folds))
            for part, folds in self.folds.items()
        }


def tree(about: Mapping[str, Any], hashes: Mapping[str, str], fits: Sequence[Fit]) -> str:
    """Return the root of the tree: over what is said of the bundle, the hash of every file, and every fit."""
    leaves = [["about", about], *(["file", name, hashes[name]] for name in sorted(hashes))]
    return root_of([canonical(leaf) for leaf in (*leaves, *(["fit", asdict(fit)] for fit in fits))])


def digest_of(values: Mapping[str, Floats]) -> str:
    """Return the SHA-256 of named float64 arrays; every value that is not a number counts as the same."""
    digest = hashlib.sha256()
    for name in sorted(values):
        one = np.where(np.isnan(values[name]), np.nan, values[name]).astype("<f8")
        digest.update(canonical([name, len(one)]) + one.tobytes())
    return digest.hexdigest()


def write(contents: Contents, path: Path) -> int:
    """Write a bundle and return its bytes; the same contents are the same bytes.

    Raises
    ------
    StoreError
        If it cannot be written, or is larger than one that is read.
    """
    index = {**contents.about, "root": contents.root, "files": contents.hashes}
    index["fits"] = [asdict(fit) for fit in contents.fits]
    text = json.dumps(index, indent=1, sort_keys=True, allow_nan=False).encode()
    size = len(text) + sum(map(len, contents.files.values()))
    if size > LARGEST or len(contents.files) >= MOST:
        raise StoreError(
            f"cannot bundle run {contents.run}: it takes {size / 2**30:.1f} GiB in {len(contents.files)} files, and at "
            f"most {LARGEST / 2**30:g} GiB in {MOST:,} are read again; leave out the bars (--fingerprint)"
        )
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name, content in ((INDEX, text), *sorted(contents.files.items())):
            entry = zipfile.ZipInfo(name)  # of 1980, whenever it is written
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            file.writestr(entry, content)
    return path.stat().st_size


def read(path: Path) -> tuple[Contents, list[str]]:
    """Return what a bundle holds, and how it is other than its own hashes say; empty, if it is not.

    Nothing of it is executed, unpickled or written anywhere, and no more of it is unpacked than `LARGEST`.

    Raises
    ------
    IntegrityError
        If it is no bundle, is damaged, or holds what none holds.
    StoreError
        If it cannot be read, or was written by a newer version.
    """
    files = _unpacked(path)
    index = parsed(files.pop(INDEX, b""), f"{path}: {INDEX}")
    version = index.get("version")
    if index.get("format") != FORMAT or type(version) is not int or version < 1:
        raise IntegrityError(f"{path} is no bundle: its format is {index.get('format')!r:.40}, version {version!r:.40}")
    if version > VERSION:
        raise StoreError(f"{path} has version {version}; this quorate reads up to {VERSION}: upgrade quorate")
    try:
        found = Contents(
            _text(index["run"]),
            _text(index["bars"]),
            tuple(_fit(one) for one in index["fits"]),
            {part: [_text(name) for name in index["columns"][part]] for part in PARTS if part in index["columns"]},
            {
                part: [(_count(a), _count(b)) for a, b in index["folds"][part]]
                for part in PARTS
                if part in index["folds"]
            },
            files,
        )
        told = {_text(name): _text(value) for name, value in index["files"].items()}
        root = _text(index["root"])
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise IntegrityError(f"{path} is damaged: {INDEX} is not what quorate writes: {e!r:.100}") from e
    return found, list(_faults(found, told, root))


def parsed(content: bytes, where: str) -> dict[str, Any]:
    """Return a JSON table of a file from anywhere.

    Raises
    ------
    IntegrityError
        If it is none, or one that nests too deeply.
    """
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=_no_number)
        deep = _depth(found)
    except (ValueError, RecursionError) as e:
        raise IntegrityError(f"{where} is no JSON: {e!s:.100}") from e
    if not isinstance(found, dict) or deep > DEEPEST:
        raise IntegrityError(f"{where} must be a JSON table of at most {DEEPEST} levels")
    return found


def _depth(value: Any) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(one) for one in below if isinstance(one, dict | list)), default=0)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _unpacked(path: Path) -> dict[str, bytes]:
    """Return the files of an archive, after checking that they are such as a bundle has."""
    try:
        with path.open("rb") as stream, zipfile.ZipFile(stream) as file:
            entries = file.infolist()
            _check_entries(entries, path)
            return {entry.filename: file.read(entry) for entry in entries}
    except OSError as e:
        raise StoreError(f"cannot read the bundle {path}: {e.strerror or e}") from e
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError, ValueError) as e:
        raise IntegrityError(f"{path} is no bundle, or is damaged: {e!s:.100}") from e
    except Exception as e:  # zlib has errors of its own
        if isinstance(e, IntegrityError):
            raise
        raise IntegrityError(f"{path} is damaged: {e!s:.100}") from e


def _check_entries(entries: Sequence[zipfile.ZipInfo], path: Path) -> None:
    names = [entry.filename for entry in entries]
    if INDEX not in names:
        raise IntegrityError(f"{path} is no bundle: it has no {INDEX}")
    size = sum(entry.file_size for entry in entries)
    if len(names) > MOST or size > LARGEST:
        raise IntegrityError(
            f"{path} is too large: {len(names):,} files of {size / 2**30:.1f} GiB unpacked, and at most {MOST:,} of "
            f"{LARGEST / 2**30:g} GiB are read"
        )
    for entry in entries:
        name = entry.filename
        odd = not _NAMES.fullmatch(name) or names.count(name) > 1 or stat.S_ISLNK(entry.external_attr >> 16)
        if odd or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise IntegrityError(f"{path} holds a file that no bundle has, or has it twice: {name!r:.100}")
        if not name.startswith(("bars/", "predictions/")) and entry.file_size > LARGEST_TEXT:
            raise IntegrityError(f"{path}: {name} is too large: {entry.file_size / 2**20:,.0f} MiB")


def _faults(found: Contents, told: Mapping[str, str], root: str) -> Iterator[str]:
    """Yield what in a bundle is not as its own index says."""
    yield from (f"{name} is listed in {INDEX}, and not in the bundle" for name in sorted(told.keys() - found.files))
    yield from (f"{name} is in the bundle, and not listed in {INDEX}" for name in sorted(found.files.keys() - told))
    for name in sorted(told.keys() & found.files.keys()):
        if told[name] != found.hashes[name]:
            yield f"{name} was changed: its hash is {found.hashes[name][:12]}, and {INDEX} says {told[name][:12]}"
    for part, folds in found.folds.items():
        size = 8 * len(found.columns.get(part, ())) * sum(rows for _, rows in folds)
        there = len(found.files.get(f"predictions/{part}.f64", b""))
        if size != there:
            yield f"predictions/{part}.f64 must have {size:,} bytes, 8 for each column and row; it has {there:,}"
            return
    for fit in found.fits:
        if dict(found.folds.get(fit.part, ())).get(fit.fold) != fit.rows or fit.model not in found.columns.get(
            fit.part, ()
        ):
            yield f"the fit of {fit} has no predictions of {fit.rows:,} rows in the bundle"
        elif (now := digest_of(found.values(fit))) != fit.sha256:
            yield f"the predictions of {fit} were changed: their hash is {now[:12]}, not {fit.sha256[:12]}"
    if tree(found.about, told, found.fits) != root:
        yield f"the hash tree of {INDEX} was changed: its root is {found.root[:12]}, and it says {root[:12]}"


def _fit(one: Mapping[str, Any]) -> Fit:
    fit = Fit(**one)
    if fit.part not in PARTS or not _HASH.fullmatch(_text(fit.sha256)):
        raise ValueError(f"a fit of part {fit.part!r:.40}")
    _text(fit.model), _text(fit.key), _text(fit.error), _count(fit.fold), _count(fit.rows)
    return fit


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 40:
        raise TypeError(f"{value!r:.40} is no number of rows or folds")
    return value
