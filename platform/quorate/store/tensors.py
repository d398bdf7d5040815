"""Arrays as safetensors: a header of JSON and plain bytes, which no code has to be run to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays, by name, as a file of safetensors."""
    from safetensors.numpy import save

    return save(dict(arrays))


def from_bytes(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file of safetensors.

    Raises
    ------
    ValueError
        If it is none.
    """
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: np.array(array) for name, array in load(content).items()}
    except (SafetensorError, KeyError) as e:
        raise ValueError(str(e)) from None
