"""The built-in transforms: what is learnt from the training rows of a fold is arrays, and rows are turned alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate

SCALING, SHAPING, GRAPHS = f"{__name__}.scaling", f"{__name__}.shaping", f"{__name__}.graphs"


@quorate.hookimpl
def quorate_transforms() -> Iterator[quorate.TransformSpec]:
    """Yield the built-in transforms."""
    yield _scaling("z-score", "z_score", "less the mean, over the standard deviation; over 1 where that is 0")
    yield _scaling("min-max", "min_max", "from 0, the least training value, to 1, the greatest")
    yield _scaling("robust", "robust", "less the median, over the range from the 5 % to the 95 % quantile")
    yield _shaping("log1p", "log1p", "log(1 + x), for what is above -1, such as volumes", learns=True, undone=True)
    yield _shaping("sign-log", "sign_log", "sign(x) log(1 + |x|): large values of either sign come closer", undone=True)
    yield _shaping("clip", "clip", "nothing below `low` or above `high`", learns=True)
    text = "the normal quantile of a value's rank among the training rows"
    yield _shaping("rank-normal", "rank_normal", text, learns=True, requires=("scipy",))
    yield quorate.TransformSpec(
        "pca",
        f"{__name__}.components:pca",
        apply=f"{__name__}.components:apply",
        inverse=None,
        renames="pca",
        onnx=f"{GRAPHS}:pca",
        description="principal components: as many as asked for, or as hold a share of the variance",
    )


def _scaling(name: str, function: str, description: str) -> quorate.TransformSpec:
    return quorate.TransformSpec(
        name,
        f"{SCALING}:{function}",
        apply=f"{SCALING}:scaled",
        inverse=f"{SCALING}:unscaled",
        onnx=f"{GRAPHS}:scaled",
        description=description,
    )


def _shaping(
    name: str, function: str, description: str, learns: bool = False, undone: bool = False, **more: Any
) -> quorate.TransformSpec:
    return quorate.TransformSpec(
        name,
        f"{SHAPING}:{function if learns else 'nothing'}",
        apply=f"{SHAPING}:apply_{function}",
        inverse=f"{SHAPING}:undo_{function}" if undone else None,
        onnx=f"{GRAPHS}:{function}",
        description=description,
        **more,
    )
