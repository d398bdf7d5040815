"""Windows of an NPZ file: what is taken, and what is refused with what it must be."""

from __future__ import annotations

import numpy as np
import pytest

from quorate.errors import DataError, RecipeError
from quorate.pipeline.npz import bars_of, last_bars, read_npz
from quorate.pipeline.npz_written import make_folder, matrix_of


def arrays(n=12, m=5, bars=6, n_features=2):
    draw = np.random.default_rng(0)
    return {
        "X_train": draw.standard_normal((n, bars, n_features)).astype(np.float32),
        "y_train": np.arange(n) % 2,
        "X_test": draw.standard_normal((m, bars, n_features)).astype(np.float32),
        "y_test": np.arange(m) % 2,
    }


@pytest.fixture
def saved(tmp_path):
    def save(**changes):
        given = {k: v for k, v in {**arrays(), **changes}.items() if v is not None}
        np.savez(tmp_path / "w.npz", **given)
        return tmp_path / "w.npz"

    return save


def test_labels_say_whether_they_are_classes(saved):
    found = read_npz(saved())
    assert found.binary
    assert found.X_train.dtype == np.float32
    assert found.told == []
    assert not read_npz(saved(y_train=arrays()["y_train"] * 1.0, y_test=np.zeros(5, np.float32))).binary


def test_other_decimals_are_made_float32_and_it_is_told(saved):
    given = np.random.default_rng(1).standard_normal((956, 60, 5))
    found = read_npz(saved(X_train=given, y_train=np.arange(956) % 2, X_test=given[:5]))
    assert found.X_train.dtype == np.float32
    assert found.told[0] == "X_train was float64: it was made float32"
    np.testing.assert_array_equal(found.X_train, given.astype(np.float32))


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"X_train": np.zeros((12, 6), np.float32)}, r"X_train must be \(windows, bars, features\).*\(12, 6\)"),
        ({"X_test": np.zeros((0, 6, 2), np.float32), "y_test": np.zeros(0, int)}, "none of them 0"),
        ({"X_test": np.zeros((5, 7, 2), np.float32)}, r"one shape; they were \(6, 2\) and \(7, 2\)"),
        ({"X_train": np.full((12, 6, 2), "a")}, "X_train must be float32; it was <U1"),
        ({"X_train": np.full((12, 6, 2), np.nan)}, "window 0 does not, of 12"),
        ({"X_train": np.full((12, 6, 2), 1e300)}, "finite numbers of float32"),
        ({"y_train": np.arange(12) % 3}, "classes, 0 or 1; it has 2 too"),
        ({"y_train": np.zeros((12, 1), int)}, r"shape \(12,\); its shape was \(12, 1\)"),
        ({"y_train": np.zeros(11, int)}, r"its shape was \(11,\)"),
        ({"y_train": np.full(12, np.inf)}, "label 0 was inf"),
        ({"y_test": np.zeros(5)}, "both must be classes"),
        ({"y_test": None}, "no array 'y_test': it has X_test, X_train, y_train$"),
        ({"y_train": np.array([{}] * 12, dtype=object)}, "run code when they are read"),
    ],
)
def test_what_breaks_the_contract_is_refused(saved, changes, said):
    with pytest.raises(DataError, match=said):
        read_npz(saved(**changes))


@pytest.fixture(name="unequal")
def _unequal():
    """Return windows whose bars stand first, how many each has, and the same with NaN in front of them."""
    found = {}
    for part, n in (("train", 12), ("test", 5)):
        X, lengths = arrays()[f"X_{part}"], np.arange(n) % 4 + 2
        front = np.full_like(X, np.nan)
        for row, length in enumerate(lengths):
            front[row, 6 - length :] = X[row, :length]
        found[part] = X, lengths, front
    return found


@pytest.mark.parametrize("fill", [0.0, 1e9, np.nan])
def test_what_fills_sequences_up_is_left_in_the_file(saved, unequal, fill):
    behind = {}
    for part, (X, lengths, _) in unequal.items():
        padded = np.where(np.arange(6)[:, None] < lengths[:, None, None], X, np.float32(fill))
        behind |= {f"X_{part}": padded, f"lengths_{part}": lengths}
    # Each is read before the next is written: it is the same file.
    files = [read_npz(saved(**given)) for given in (behind, {f"X_{part}": one[2] for part, one in unequal.items()})]
    for found in files:
        assert found.unequal
        assert found.told == ["sequences are of 2 to 5 bars: a step of the training has those of one length"]
        for part, X in (("train", found.X_train), ("test", found.X_test)):
            given, lengths, front = unequal[part]
            assert X.shape == (len(given), 6, 2)
            np.testing.assert_array_equal(X.lengths, lengths)
            np.testing.assert_array_equal(np.asarray(X), front)
            real = [bar for row, length in zip(given, lengths, strict=True) for bar in row[:length]]
            np.testing.assert_array_equal(bars_of(X), real)
            np.testing.assert_array_equal(last_bars(X), given[np.arange(len(given)), lengths - 1])


def test_sequences_of_one_length_are_windows_of_it(saved):
    given = arrays()
    found = read_npz(saved(lengths_train=np.full(12, 4), lengths_test=np.full(5, 4)))
    assert not found.unequal
    assert found.told == []
    np.testing.assert_array_equal(found.X_train, given["X_train"][:, :4])
    np.testing.assert_array_equal(found.X_test, given["X_test"][:, :4])
    front = {key: given[key].copy() for key in ("X_train", "X_test")}
    for X in front.values():
        X[:, :2] = np.nan
    np.testing.assert_array_equal(read_npz(saved(**front)).X_train, given["X_train"][:, 2:])


def with_nan(row, bars):
    X = arrays()["X_train"]
    X[row, bars] = np.nan
    return X


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"lengths_test": None}, "has lengths_train, and not lengths_test: give both"),
        ({"lengths_train": np.full(11, 4)}, r"number for each window, shape \(12,\); it was int64 of shape \(11"),
        ({"lengths_train": np.full(12, 4.0)}, "a whole number for each window.*it was float64"),
        ({"lengths_train": np.arange(12) % 4}, "from 1 to 6, the bars of a window; that of window 0 was 0"),
        ({"lengths_train": np.arange(12) % 4 + 4}, "from 1 to 6, the bars of a window; that of window 3 was 7"),
        ({"X_train": with_nan(3, slice(0, 2))}, "window 3 does not, of 1: lengths_train count from the first bar"),
        ({"X_train": with_nan(3, 2)}, "window 3 does not, of 1$"),
        (
            {"X_train": with_nan(3, slice(4, 6)), "lengths_train": None, "lengths_test": None},
            "window 3 does not, of 1: where it is filled up behind, lengths_train",
        ),
    ],
)
def test_lengths_that_cannot_be_are_refused(saved, changes, said):
    given = {"lengths_train": np.full(12, 4), "lengths_test": np.full(5, 3)}
    with pytest.raises(DataError, match=said):
        read_npz(saved(**{**given, **changes}))


def test_what_is_no_such_file_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="there is no file"):
        read_npz(tmp_path / "w.npz")
    (tmp_path / "w.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DataError, match="no NPZ file that can be read"):
        read_npz(tmp_path / "w.npz")
    (tmp_path / "w.npz").write_bytes(b"hello")
    with pytest.raises(DataError, match=r"is no NPZ file: numpy\.savez"):
        read_npz(tmp_path / "w.npz")
    np.save(tmp_path / "w.npy", np.zeros(3))
    with pytest.raises(DataError, match="is one array"):
        read_npz(tmp_path / "w.npy")


def test_no_folder_is_taken_twice(tmp_path):
    folders = {make_folder(tmp_path / "outputs") for _ in range(3)}
    assert len(folders) == 3
    assert make_folder(tmp_path, "mine") == tmp_path / "mine"
    assert make_folder(tmp_path, "mine") == tmp_path / "mine_2"


def test_a_confusion_matrix_counts_labels_by_row():
    assert matrix_of(np.array([0, 0, 1, 1, 1]), np.array([False, True, True, True, False])) == [[1, 1], [1, 2]]
