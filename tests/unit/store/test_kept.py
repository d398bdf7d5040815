"""Arrays that are kept: the same bytes by the same key, and nothing where something is damaged or cannot be written."""

import io
import os
import pickle
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from quorate.store import kept as module
from quorate.store.kept import KeptArrays


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", content)
    return file.getvalue()


HEAD = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,)}"
HUGE = b"\x93NUMPY\x01\x00" + len(HEAD).to_bytes(2, "little") + HEAD
ORDERS = np.array([(1, 2.5), (3, np.nan)], dtype=[("id", np.int64), ("price", np.float64)])


@pytest.mark.parametrize(
    "arrays",
    [
        {"values": np.arange(6, dtype=np.float32).reshape(2, 3)},
        {"value": np.ones((4, 1)), "held": np.array([True, False]), "orders": ORDERS, "none": ORDERS[:0]},
        {},
    ],
    ids=["one", "several", "none"],
)
def test_what_is_put_is_found_to_the_bit_and_cannot_be_written_into(tmp_path, arrays):
    KeptArrays(tmp_path).put("abc", arrays)
    found = KeptArrays(tmp_path).get("abc")
    assert {name: (a.tobytes(), a.dtype, a.shape) for name, a in found.items()} == {
        name: (a.tobytes(), a.dtype, a.shape) for name, a in arrays.items()
    }
    assert not any(a.flags.writeable for a in found.values())
    assert KeptArrays(tmp_path).get("abd") is None


def test_a_key_is_of_the_values_their_shape_and_type_and_of_what_computes():
    x = np.arange(6.0)
    kept = KeptArrays(Path("nowhere"))
    keys = [
        kept.key("a", x),
        kept.key("b", x),
        kept.key("a", x.reshape(2, 3)),
        kept.key("a", x.astype(np.float32)),
        kept.key("a", x + 1),
        kept.key("a", x, x),
        kept.key("ab"),
        kept.key("a", "b"),
        KeptArrays(kept.folder, "other").key("a", x),
    ]
    assert len(set(keys)) == len(keys)
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert kept.key(columns) == kept.key(np.ascontiguousarray(columns))
    assert kept.key(columns) != kept.key(np.ascontiguousarray(columns.T))


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"x" + b[1:], lambda b: b"", lambda b: b + b"0"])
def test_what_is_damaged_is_not_found_and_is_removed_by_a_check(tmp_path, damage):
    kept = KeptArrays(tmp_path)
    for key in ("abc", "abd"):
        kept.put(key, {"x": np.arange(3)})
    path = kept.folder / "abc.npz"
    path.write_bytes(damage(path.read_bytes()))
    assert kept.get("abc") is None
    assert kept.verify() == (2, 1)
    assert kept.verify() == (1, 0)


def test_neither_links_nor_pipes_are_read_or_removed(tmp_path):
    kept = KeptArrays(tmp_path)
    kept.put("abc", {"x": np.arange(3)})
    (kept.folder / "abc.npz").rename(tmp_path / "mine.npz")
    (kept.folder / "abc.npz").symlink_to(tmp_path / "mine.npz")
    os.mkfifo(kept.folder / "abd.npz")
    assert kept.get("abc") is kept.get("abd") is None
    assert (kept.verify(), kept.prune(older_than=-1.0), len(kept)) == ((0, 0), 0, 0)
    assert (tmp_path / "mine.npz").exists()


@pytest.mark.parametrize(
    "data", [b"no archive", pickle.dumps([1]), b"PK\x05\x06" + b"\0" * 18, zipped(b"\x93NUMPY\x01\x00 "), zipped(HUGE)]
)
def test_what_was_forged_with_a_right_checksum_is_not_found(tmp_path, data):
    kept = KeptArrays(tmp_path)
    kept.folder.mkdir()
    (kept.folder / "abc.npz").write_bytes(data + module._checksum("abc", data))
    assert not kept.get("abc")


def test_one_that_was_renamed_is_not_found(tmp_path):
    kept = KeptArrays(tmp_path)
    kept.put("abc", {"x": np.arange(3)})
    os.rename(kept.folder / "abc.npz", kept.folder / "abd.npz")
    assert kept.get("abd") is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    (tmp_path / "kept").write_text("no folder")
    KeptArrays(tmp_path).put("abc", {"x": np.arange(3)})
    assert KeptArrays(tmp_path).get("abc") is None
    KeptArrays(tmp_path / "other", write=False).put("abc", {"x": np.arange(3)})
    assert not (tmp_path / "other").exists()


def test_the_longest_unused_are_removed_first(tmp_path):
    kept = KeptArrays(tmp_path)
    for age, key in ((3000, "a"), (2000, "b"), (1000, "c")):
        kept.put(key, {"x": np.arange(3)})
        os.utime(kept.folder / f"{key}.npz", (time.time() - age,) * 2)
    kept.get("a")  # used now
    assert kept.prune(older_than=1500) == 1
    assert kept.get("b") is None
    assert kept.prune(max_size=kept.size // 2) == 1
    assert kept.get("a") is not None
    assert len(kept) == 1
