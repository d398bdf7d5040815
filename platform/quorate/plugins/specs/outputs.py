"""What a model's outputs are called: of a class, a number or its distribution, and at which step."""

from __future__ import annotations

import re

_OUTPUT = re.compile(r"(p|p_\w+|mean|sd|q0?\.\d+)(@\d+)?")


def is_output(name: object) -> bool:
    """Say whether an output may be called so."""
    return isinstance(name, str) and _OUTPUT.fullmatch(name) is not None


def level_of(name: str) -> float | None:
    """Return the level of a quantile by its name, 0.1 of ``q0.1``; None of what is no quantile, or of another step."""
    return float(name[1:]) if name.startswith("q") and "@" not in name else None


def at_steps(names: tuple[str, ...], steps: tuple[int, ...], own: int) -> tuple[str, ...]:
    """Return the names of outputs at several steps, step by step: ``mean@5``; those of the `own` step as they are."""
    return tuple(name if step == own else f"{name}@{step}" for step in steps for name in names)


def step_of(name: str, own: int) -> tuple[str, int]:
    """Return which output a name is, and of which step."""
    plain, _, step = name.partition("@")
    return plain, int(step) if step else own
