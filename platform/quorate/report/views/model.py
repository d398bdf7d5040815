"""A model that was written as ONNX: what it takes and gives, and how near it is to the one it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.errors import visible
from quorate.report import console
from quorate.report.views.cache import size_text


def render(told: Mapping[str, Any]) -> None:
    """Print what was written; `told` is an `ExportedModel` as plain data."""
    again = ", which was not kept, and was fitted again" if told["fitted_again"] else ""
    size, shape = size_text(told["bytes"]), ", ".join(map(str, told["shape"]))
    several = f", seed {told['seed']} of {told['seeds']}" if told["seeds"] > 1 else ""
    of = f"model {told['model']!r} of fold {told['fold']}{several}"
    lines = [
        f"{told['file']}: {of}{again}; {size}, ONNX opset {told['opset']}",
        f"input {told['input']!r}, float32 ({shape}), the features in the order that the file notes; output "
        f"{told['output']!r}, float32",
        f"checked with onnxruntime on {console.plural(told['rows'], 'row')}, {told['unseen']:,} of which did not train "
        f"it: largest difference {told['largest']:.3g}, allowed {told['allowed']:.3g}",
    ]
    if several:
        lines.append(f"the run's forecast of {told['model']!r} is the mean over its {told['seeds']} seeds: this is one")
    if (small := told["int8"]) is not None:
        lines += [
            f"{small['file']}: the same with weights of 8 bits; {size_text(small['bytes'])} instead of {size}",
            f"what that costs: {small['turned']:.2%} of directions are others; mean difference {small['mean']:.3g}, "
            f"largest {small['largest']:.3g}",
        ]
    for line in lines:
        console.out().print(visible(line), markup=False)
