"""A trained model as files: weights as safetensors, the scaler and all else as JSON; nothing is pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.errors import IntegrityError, RecipeError
from quorate.execution.state import SCALER, State
from quorate.store import tensors
from quorate.store.documents import read_document, seal_of
from quorate.store.files import replacing, write_json
from quorate.store.plain import check_plain

MODEL, WEIGHTS, SCALES = "model.json", "model.safetensors", "scaler.json"
KINDS = {"float64": np.float64, "float32": np.float32, "int64": np.int64, "int32": np.int32, "bool": np.bool_}
_INSTEAD = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin", ".h5", ".keras", ".joblib"), WEIGHTS),
    **dict.fromkeys((".pkl", ".pickle"), SCALES),
}


class Artefact(NamedTuple):
    """A trained model as it was read: where, the document, and what it has learnt."""

    folder: Path
    document: dict[str, Any]
    state: State


def refuse_pickles(path: Path, option: str, instead: str | None = None) -> None:
    """Raise `RecipeError`, if a name is one of files that run code when they are read; `instead` is what is used."""
    kind = _INSTEAD.get(path.suffix.lower())
    if kind is not None:
        raise RecipeError(
            f"{option} {path}: files of this kind run code when they are read, so none is written or read: the weights "
            f"are in {WEIGHTS}, the scaler in {SCALES}, what reloads both in {MODEL}; here {instead or kind} "
            f"stands for {path.name}"
        )


def write(folder: Path, state: State, document: Mapping[str, Any]) -> dict[str, Any]:
    """Write a trained model, its document last: without that there is no model; return the document.

    Raises
    ------
    StoreError
        If a file cannot be written.
    """
    (folder / MODEL).unlink(missing_ok=True)
    weights = {name: array for name, array in state.arrays.items() if not name.startswith(SCALER)}
    scales = {name: array for name, array in state.arrays.items() if name.startswith(SCALER)}
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(tensors.to_bytes(weights))
    write_json(
        folder / SCALES,
        {
            "schema_version": 1,
            "features": document["features"],
            "arrays": {name.removeprefix(SCALER): _to_json(name, array) for name, array in scales.items()},
        },
    )
    whole = {
        "schema_version": 1,
        **document,
        "state": state.values,
        "files": {name: _sha256((folder / name).read_bytes()) for name in (WEIGHTS, SCALES)},
    }
    whole["seal"] = seal_of(whole)
    write_json(folder / MODEL, whole)
    return whole


def read(model: Path, scaler: Path | None = None) -> Artefact:
    """Read a trained model.

    Parameters
    ----------
    model : Path
        Its folder, or one of its files there.
    scaler : Path, optional
        Its scaler, where that lies elsewhere.

    Raises
    ------
    RecipeError
        If a name is that of a pickle, or there is no model.
    IntegrityError
        If a file is not as it was written, or is that of another model.
    """
    refuse_pickles(model, "--model")
    if scaler is not None:
        refuse_pickles(scaler, "--scaler")
    folder = model if model.is_dir() or not model.suffix else model.parent
    if folder != model and model.name not in (MODEL, WEIGHTS):
        raise RecipeError(f"--model takes the folder of a trained model, its {MODEL} or {WEIGHTS}; it was {model}")
    if not (folder / MODEL).exists():
        raise RecipeError(f"there is no trained model in {folder}: it has no {MODEL}; quorate train writes one")
    scaler = scaler / SCALES if scaler is not None and scaler.is_dir() else scaler or folder / SCALES
    for path in (folder / MODEL, folder / WEIGHTS, scaler):
        check_plain(path, links=True)
    document = read_document(folder / MODEL)
    if document.pop("seal", None) != seal_of(document) or not isinstance(document.get("files"), dict):
        raise IntegrityError(f"{folder / MODEL} was changed after the model was trained: it has another seal")
    data = {}
    for name, path in ((WEIGHTS, folder / WEIGHTS), (SCALES, scaler)):
        try:
            data[name] = path.read_bytes()
        except OSError as e:
            raise IntegrityError(f"cannot read {path}: {e.strerror or e}") from None
        if _sha256(data[name]) != document["files"].get(name):
            raise IntegrityError(
                f"{path} is not the {name} of the model in {folder}: its hash is {_sha256(data[name])[:12]}, "
                f"{MODEL} says {str(document['files'].get(name))[:12]}"
            )
    return Artefact(folder, document, _state(data, document["state"], folder))


def _state(data: Mapping[str, bytes], values: dict[str, Any], folder: Path) -> State:
    try:
        arrays = tensors.from_bytes(data[WEIGHTS])
        for name, one in json.loads(data[SCALES])["arrays"].items():
            found = np.array(one["values"], dtype=KINDS[one["dtype"]]).reshape(one["shape"])
            arrays[f"{SCALER}{name}"] = found
    except (ValueError, LookupError, TypeError) as e:
        raise IntegrityError(f"the files of the model in {folder} are not what quorate writes: {e}") from e
    return State(arrays, values)


def _to_json(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as JSON holds it: the shortest decimals that give the same numbers again."""
    if array.dtype.name not in KINDS or not np.isfinite(array).all():
        raise IntegrityError(f"the scaler's {name!r} must be finite numbers of {', '.join(KINDS)}; it is {array.dtype}")
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": array.ravel().tolist()}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the hash of a file."""
    return _sha256(path.read_bytes())
