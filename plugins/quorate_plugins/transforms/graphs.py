"""The built-in transforms as ONNX: the same operations as in Python, in double precision as there."""

from __future__ import annotations

from typing import Any

import numpy as np

from quorate_plugins.transforms._base import MOST, Learnt
from quorate_plugins.transforms.shaping import LEAST, ranks

BEYOND = 1e300  # every value is below it
HELD = "found = Clip(every, least, most)"
# log(1 + x) of `size`, to the last digits where 1 + x keeps few of x.
LOG1P = """
    above = Add(size, one)
    beside = Sub(above, one)
    nothing = Equal(beside, zero)
    log = Log(above)
    ratio = Div(size, beside)
    product = Mul(log, ratio)
    log1p = Where(nothing, size, product)
"""


def scaled(learnt: Learnt, n_columns: int) -> bytes:
    """Return columns less their centre, over their scale."""
    steps = f"away = Sub(given, centre) every = Div(away, scale) {HELD}"
    return _graph(steps, n_columns, n_columns, centre=learnt["centre"], scale=learnt["scale"])


def pca(learnt: Learnt, n_columns: int) -> bytes:
    """Return how far each row lies along each direction."""
    steps = f"away = Sub(given, mean) every = MatMul(away, directions) {HELD}"
    width = learnt["directions"].shape[1]
    return _graph(steps, n_columns, width, mean=learnt["mean"], directions=learnt["directions"])


def log1p(learnt: Learnt, n_columns: int) -> bytes:
    """Return ``log(1 + x)``."""
    steps = f"size = Max(given, lowest) {LOG1P} found = Identity(log1p)"
    return _graph(steps, n_columns, n_columns, lowest=LEAST, zero=0.0, one=1.0)


def sign_log(learnt: Learnt, n_columns: int) -> bytes:
    """Return ``sign(x) log(1 + |x|)``."""
    steps = f"size = Abs(given) sign = Sign(given) {LOG1P} found = Mul(sign, log1p)"
    return _graph(steps, n_columns, n_columns, zero=0.0, one=1.0)


def clip(learnt: Learnt, n_columns: int) -> bytes:
    """Return the values within the limits."""
    return _graph("found = Clip(given, low, high)", n_columns, n_columns, low=learnt["low"], high=learnt["high"])


def rank_normal(learnt: Learnt, n_columns: int) -> bytes:
    """Return the normal quantile of each value's rank: its place among the known values is found by halving."""
    known, middle = zip(*(ranks(values, learnt["normal"]) for values in learnt["values"].T), strict=True)
    width = 1 << max(map(len, known)).bit_length()
    values, normal = np.full((2, n_columns, width), BEYOND)
    for j, (places, quantiles) in enumerate(zip(known, middle, strict=True)):
        values[j, : len(places)] = places
        normal[j] = np.pad(quantiles, (0, width - len(places)), mode="edge")
    step, halves, found = width >> 1, [], "begin"
    constants: dict[str, Any] = {"begin": np.arange(n_columns) * width, "next": 1}
    while step:
        constants[f"step{step}"] = step
        halves.append(
            f"""tried{step} = Add({found}, step{step}) value{step} = Gather(values, tried{step})
            reached{step} = LessOrEqual(value{step}, inside) place{step} = Where(reached{step}, tried{step}, {found})"""
        )
        step, found = step >> 1, f"place{step}"
    steps = f"""
        inside = Max(given, first) {" ".join(halves)}
        behind = Add({found}, next)
        x0 = Gather(values, {found}) x1 = Gather(values, behind)
        y0 = Gather(normal, {found}) y1 = Gather(normal, behind)
        away = Sub(inside, x0) far = Sub(x1, x0) up = Sub(y1, y0)
        slope = Div(up, far) more = Mul(slope, away) found = Add(y0, more)
    """
    more = {"values": values.ravel(), "normal": normal.ravel(), "first": values[:, 0]}
    return _graph(steps, n_columns, n_columns, **constants, **more)


def _graph(steps: str, n_columns: int, n_turned: int, **constants: Any) -> bytes:
    """Return steps from ``given`` to ``found``, double precision, from and to the single precision of features."""
    from onnx import TensorProto, numpy_helper, parser

    double, single = TensorProto.DOUBLE, TensorProto.FLOAT
    model = parser.parse_model(
        f"""<ir_version: 8, opset_import: ["": 17]>
        transform (float[batch, {n_columns}] x) => (float[batch, {n_turned}] y) {{
            given = Cast<to = {double}>(x)
            {steps}
            y = Cast<to = {single}>(found)
        }}"""
    )
    for name, value in {"least": -MOST, "most": MOST, **constants}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    content: bytes = model.SerializeToString()
    return content
