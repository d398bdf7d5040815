"""The file of a bundle: the same bytes for the same contents, and no harm from one that anybody made."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quorate.errors import IntegrityError, QuorateError, StoreError
from quorate.runs import bundle_file
from quorate.runs.bundle_file import Contents, Fit, digest_of, read, write

VALUES = np.array([[0.1, 0.2, np.nan, 0.4, -0.0], [1.0, 2.0, 3.0, 4.0, 5.0]])


def contents() -> Contents:
    fits = [
        Fit("development", "a", fold, len(rows), "k", "", digest_of({"a": VALUES[0, rows], "a/q0.5": VALUES[1, rows]}))
        for fold, rows in ((0, [0, 1]), (1, [2, 3, 4]))
    ]
    files = {"report.json": b"{}", "recipe.toml": b"", "predictions/development.f64": VALUES.astype("<f8").tobytes()}
    columns, folds = {"development": ["a", "a/q0.5"]}, {"development": [(0, 2), (1, 3)]}
    return Contents("run", "fingerprint", fits, columns, folds, files)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(contents(), tmp_path / "one.zip")
    return tmp_path / "one.zip"


def edited(path: Path, edit: Callable[[dict[str, bytes]], object]) -> Path:
    with zipfile.ZipFile(path) as file:
        files = {name: file.read(name) for name in file.namelist()}
    edit(files)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def index(edit: Callable[[dict], object]) -> Callable[[dict[str, bytes]], object]:
    def edit_files(files: dict[str, bytes]) -> None:
        told = json.loads(files["bundle.json"])
        edit(told)
        files["bundle.json"] = json.dumps(told).encode()

    return edit_files


def test_what_is_written_is_read_again_and_its_bytes_are_the_same(path: Path, tmp_path: Path) -> None:
    found, faults = read(path)
    assert faults == []
    assert found.root == contents().root
    np.testing.assert_array_equal(found.values(found.fits[1])["a"], VALUES[0, 2:])
    np.testing.assert_array_equal(found.values(found.fits[0])["a/q0.5"], VALUES[1, :2])
    write(contents(), tmp_path / "other.zip")
    assert path.read_bytes() == (tmp_path / "other.zip").read_bytes()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda f: f.update({"report.json": b"{ }"}), "report.json was changed"),
        (lambda f: f.pop("recipe.toml"), "recipe.toml is listed in bundle.json, and not in the bundle"),
        (lambda f: f.update({f"sources/{'0' * 64}.py": b""}), "and not listed"),
        (lambda f: f.update({"predictions/development.f64": b"\1" * 80}), "model 'a' on fold 0 were changed"),
        (lambda f: f.update({"predictions/development.f64": b""}), "must have 80 bytes"),
        (index(lambda told: told["fits"].pop()), "the hash tree of bundle.json was changed"),
        (index(lambda told: told["fits"][0].update(key="other")), "the hash tree of bundle.json was changed"),
        (index(lambda told: told.update(run="other")), "the hash tree of bundle.json was changed"),
        (index(lambda told: told["folds"].update(development=[[0, 3], [1, 2]])), "no predictions of 2 rows"),
        (index(lambda told: told["columns"].update(development=["b", "a"])), "model 'a' on fold 0 were changed"),
    ],
)
def test_a_change_is_named(path: Path, edit: Callable, said: str) -> None:
    _, faults = read(edited(path, edit))
    assert said in "\n".join(faults)


def deep(files: dict[str, bytes]) -> None:
    files["bundle.json"] = b'{"a":' * 50_000 + b"1" + b"}" * 50_000


@pytest.mark.parametrize(
    ("edit", "error", "said"),
    [
        (lambda f: f.update({"../evil.py": b""}), IntegrityError, "holds a file that no bundle has"),
        (lambda f: f.update({"/etc/passwd": b""}), IntegrityError, "holds a file that no bundle has"),
        (lambda f: f.update({"bars/../../x.json": b""}), IntegrityError, "holds a file that no bundle has"),
        (lambda f: f.update({"model.pkl": b""}), IntegrityError, "holds a file that no bundle has"),
        (lambda f: f.pop("bundle.json"), IntegrityError, "it has no bundle.json"),
        (lambda f: f.update({"bundle.json": b"[1]"}), IntegrityError, "must be a JSON table"),
        (lambda f: f.update({"bundle.json": b"\xff"}), IntegrityError, "is no JSON"),
        (lambda f: f.update({"bundle.json": b'{"a": NaN}'}), IntegrityError, "is no JSON"),
        (deep, IntegrityError, "bundle.json"),
        (index(lambda told: told.update(format="zip")), IntegrityError, "is no bundle"),
        (index(lambda told: told.update(version=99)), StoreError, "reads up to 1: upgrade quorate"),
        (index(lambda told: told.update(version=True)), IntegrityError, "is no bundle"),
        (index(lambda told: told.update(fits=[{"part": "x"}])), IntegrityError, "is damaged"),
        (index(lambda told: told["fits"][0].update(rows=-1)), IntegrityError, "is damaged"),
        (index(lambda told: told["fits"][0].update(part="other")), IntegrityError, "is damaged"),
        (index(lambda told: told.update(folds=3)), IntegrityError, "is damaged"),
        (index(lambda told: told.update(files=3)), IntegrityError, "is damaged"),
    ],
)
def test_what_is_no_bundle_is_refused(path: Path, edit: Callable, error: type[QuorateError], said: str) -> None:
    with pytest.raises(error, match=said):
        read(edited(path, edit))


def test_a_bomb_a_link_a_double_and_another_compression_are_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = zipfile.ZipInfo("report.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    packed = zipfile.ZipInfo("report.json")
    packed.compress_type = zipfile.ZIP_LZMA
    for entry in (link, packed):
        other = edited(path, lambda files: files.pop("report.json", None))
        with zipfile.ZipFile(other, "a") as file:
            file.writestr(entry, b"/etc/passwd")
        with pytest.raises(IntegrityError, match="holds a file that no bundle has"):
            read(other)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("recipe.toml", b"")
    with pytest.raises(IntegrityError, match="or has it twice"):
        read(path)
    monkeypatch.setattr(bundle_file, "LARGEST", 1_000_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bundle.json", b" " * 2_000_000)
    with pytest.raises(IntegrityError, match="is too large"):
        read(tmp_path / "bomb.zip")


def test_what_is_cut_off_or_no_archive_is_refused(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    for content in (b"", b"PK", whole[:-40], whole[:200] + b"\0" * 40 + whole[240:]):
        path.write_bytes(content)
        with pytest.raises(IntegrityError, match=r"no bundle|damaged"):
            read(path)
    with pytest.raises(StoreError, match="cannot read the bundle"):
        read(tmp_path / "none.zip")
    with pytest.raises(StoreError, match="cannot read the bundle"):
        read(tmp_path)


def test_every_value_that_is_no_number_counts_as_the_same_and_zeros_do_not() -> None:
    other = np.frombuffer(np.array([0x7FF8000000000001], dtype="<u8").tobytes(), dtype="<f8")
    assert digest_of({"a": np.array([np.nan])}) == digest_of({"a": other})
    assert digest_of({"a": np.array([0.0])}) != digest_of({"a": np.array([-0.0])})
    assert digest_of({"a": np.array([1.0])}) != digest_of({"b": np.array([1.0])})


def test_more_than_is_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_file, "LARGEST", 100)
    with pytest.raises(StoreError, match="leave out the bars"):
        write(contents(), tmp_path / "one.zip")
    assert not (tmp_path / "one.zip").exists()
