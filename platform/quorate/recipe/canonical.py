"""Plain data as bytes, and their digest: of recipes, results and all that is sealed."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """Return plain data as bytes that are equal exactly when the data is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(canonical(value)).hexdigest()
