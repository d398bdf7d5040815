"""Fitted models that are kept: what was put is found to the bit, and nothing else is ever loaded."""

from __future__ import annotations

import json
import os
import pickle
import time

import numpy as np
import pytest

from quorate.errors import IntegrityError, StoreError
from quorate.store.documents import seal_of
from quorate.store.models import KeptModel, KeptModels

KEY, OTHER = "a" * 64, "b" * 64
MODEL = KeptModel(
    {"weights": np.array([[1.5, -0.0], [np.nan, 1e-300]]), "single": np.float32([0.1]), "none": np.empty((0, 3))},
    {"classes": ["down", "up"], "depth": 3, "share": 0.1},
    {"model": "m", "features": ["b", "a"]},
)


@pytest.fixture
def kept(tmp_path):
    models = KeptModels(tmp_path)
    models.put(KEY, MODEL)
    return models


def bits(arrays):
    return {name: (array.tobytes(), array.dtype, array.shape) for name, array in arrays.items()}


def test_what_is_put_is_found_to_the_bit(kept):
    found = KeptModels(kept.folder.parent).get(KEY)
    assert bits(found.arrays) == bits(MODEL.arrays)
    assert found.values == MODEL.values
    assert {name: found.facts[name] for name in MODEL.facts} == MODEL.facts
    assert kept.get(OTHER) is None
    assert KEY in kept
    assert OTHER not in kept
    assert len(kept) == 1
    assert kept.bytes_of(KEY) == kept.size == sum(path.stat().st_size for path in kept.folder.iterdir())


@pytest.mark.parametrize("key", ["../runs/x", "", "A" * 64, "a" * 63, f"{'a' * 63}/"])
def test_a_name_that_is_no_key_leads_nowhere(kept, key):
    assert key not in kept
    assert kept.get(key) is None


def resealed(path, **changes):
    told = {**json.loads(path.read_text()), **changes}
    del told["seal"]
    path.write_text(json.dumps({**told, "seal": seal_of(told)}))


def pickled(folder):
    (folder / f"{KEY}.safetensors").write_bytes(pickle.dumps(os.system))


DAMAGES = {
    "weights": (lambda f: (f / f"{KEY}.safetensors").write_bytes(b"x"), "its hash is"),
    "a pickle": (pickled, "its hash is"),
    "facts": (lambda f: (f / f"{KEY}.json").write_text('{"schema_version": 1}'), "has another seal"),
    "no document": (lambda f: (f / f"{KEY}.json").write_text("{"), "cannot be read"),
    "of another key": (lambda f: resealed(f / f"{KEY}.json", key=OTHER), "has another seal"),
    "a forger's": (
        lambda f: (
            (f / f"{KEY}.safetensors").write_bytes(b"junk"),
            resealed(f / f"{KEY}.json", sha256="a9b0b3b40ec36ae0a8d4e47c1b7d0b9ac2a2c5a7a2b9d57d8a5d4be4b0f8e5a2"),
        ),
        "its hash is",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_as_it_was_written_is_refused_and_removed_by_a_check(kept, damage):
    change, told = DAMAGES[damage]
    change(kept.folder)
    with pytest.raises(IntegrityError, match=f"{told}.*quorate cache verify removes it"):
        kept.get(KEY)
    assert kept.verify() == (1, 1)
    assert list(kept.folder.iterdir()) == []
    assert kept.get(KEY) is None


def test_a_link_is_not_followed(kept, tmp_path):
    path = kept.folder / f"{KEY}.safetensors"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="a link, which is not followed"):
        kept.get(KEY)


def test_one_of_a_newer_version_is_left_alone(kept):
    resealed(kept.folder / f"{KEY}.json", schema_version=99)
    with pytest.raises(StoreError, match="upgrade quorate"):
        kept.get(KEY)
    assert kept.verify() == (1, 0)


def test_half_of_a_model_is_none(kept):
    (kept.folder / f"{KEY}.json").unlink()
    assert kept.get(KEY) is None
    kept.put(KEY, MODEL)
    assert kept.get(KEY) is not None


def test_what_was_longest_unused_goes_first(kept):
    kept.put(OTHER, MODEL)
    for path in kept.folder.glob(f"{KEY}.*"):
        os.utime(path, (0, time.time() - 1_000))
    assert kept.get(OTHER) is not None
    assert kept.prune(older_than=500) == 1
    assert [path.stem for path in kept.folder.iterdir()] == [OTHER, OTHER]
    assert kept.prune(max_size=kept.size) == 0
    assert kept.prune(max_size=kept.size - 1) == 1
    assert kept.size == 0


def test_where_nothing_can_be_written_that_is_said(tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(StoreError, match="cannot write"):
        KeptModels(tmp_path).put(KEY, MODEL)
