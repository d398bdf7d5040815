"""Verdicts, as stored reports have them: reading one needs no number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Verdict = Literal["PASS", "FAIL", "INSUFFICIENT"]


def overall(verdicts: Iterable[str]) -> Verdict:
    """Return FAIL if any fails, else INSUFFICIENT if any is, else PASS; nothing judged is INSUFFICIENT."""
    found = set(verdicts)
    if "FAIL" in found:
        return "FAIL"
    return "PASS" if found == {"PASS"} else "INSUFFICIENT"
