"""A trained model's files: what is written is read again, and what was changed is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from quorate.errors import IntegrityError, RecipeError
from quorate.execution.state import State
from quorate.pipeline import artefact

RNG = np.random.default_rng(5)
ARRAYS = {
    "scaler.mean": RNG.standard_normal(4) * 1e-7,
    "scaler.scale": RNG.standard_normal(4).astype(np.float32),
    "coef": RNG.standard_normal((2, 3)),
    "booster": RNG.integers(0, 255, 100).astype(np.uint8),
    "intercept": np.array(0.1, dtype=np.float32),
}


@pytest.fixture
def folder(tmp_path):
    artefact.write(tmp_path / "m", State(dict(ARRAYS), {"label.mean": 0.1 + 0.2}), {"features": list("abcd")})
    return tmp_path / "m"


@pytest.mark.parametrize("name", ["", "model.json", "model.safetensors"])
def test_what_is_read_is_what_was_written_to_the_last_bit(folder, name):
    read = artefact.read(folder / name if name else folder, folder / "scaler.json")
    assert read.document["features"] == list("abcd")
    assert read.state.values == {"label.mean": 0.1 + 0.2}
    assert set(read.state.arrays) == set(ARRAYS)
    for key, array in ARRAYS.items():
        assert read.state.arrays[key].dtype == array.dtype
        assert np.array_equal(read.state.arrays[key], array)


def test_a_state_without_arrays_is_kept_too(tmp_path):
    artefact.write(tmp_path, State({}, {"mean": 1.5}), {"features": []})
    assert artefact.read(tmp_path).state.values == {"mean": 1.5}


@pytest.mark.parametrize("name", ["model.safetensors", "scaler.json", "model.json"])
def test_a_file_that_was_changed_is_named(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(IntegrityError, match=name):
        artefact.read(folder)


def test_the_scaler_of_another_model_is_refused(folder, tmp_path):
    artefact.write(tmp_path / "other", State({"scaler.mean": np.ones(4)}, {}), {"features": list("abcd")})
    with pytest.raises(IntegrityError, match=r"is not the scaler\.json of the model"):
        artefact.read(folder, tmp_path / "other" / "scaler.json")


def test_weights_without_their_document_are_no_model(folder):
    (folder / "model.json").unlink()
    with pytest.raises(RecipeError, match="there is no trained model"):
        artefact.read(folder / "model.safetensors")


def test_what_passes_the_hashes_and_is_no_array_is_told(folder):
    document = json.loads((folder / "model.json").read_text())
    (folder / "model.safetensors").write_bytes(b"no tensors at all")
    document["files"]["model.safetensors"] = artefact.sha256_of(folder / "model.safetensors")
    del document["seal"]
    document["seal"] = artefact.seal_of(document)
    (folder / "model.json").write_text(json.dumps(document))
    with pytest.raises(IntegrityError, match="not what quorate writes"):
        artefact.read(folder)


@pytest.mark.parametrize("name", ["model.pt", "model.ckpt", "model.PTH", "x.joblib"])
def test_names_of_pickles_are_refused_with_what_is_there_instead(folder, name):
    with pytest.raises(RecipeError, match=rf"run code when they are read.*model\.safetensors stands for {name}"):
        artefact.read(folder / name)
    with pytest.raises(RecipeError, match=r"scaler\.json stands for scaler\.pkl"):
        artefact.read(folder, folder / "scaler.pkl")
