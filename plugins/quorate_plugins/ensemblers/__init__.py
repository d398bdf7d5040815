"""Built-in ensemblers: from past out-of-fold rows to weights, or to a way of combining."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate


@quorate.hookimpl
def quorate_ensemblers() -> Iterator[quorate.EnsemblerSpec]:
    """Yield the built-in ensemblers."""
    yield _ensembler("weights:mean", "equal weights")
    yield _ensembler("combiners:median", "the median of the members")
    yield _ensembler("combiners:rank_mean", "mean rank among each member's past predictions, back on their scale")
    yield _ensembler("weights:past_performance", "more weight to members that lost less so far")
    yield _ensembler("weights:inverse_error", "weights inverse to the past squared error")
    yield _ensembler("weights:softmax", "weights by what trading on each member's sign paid so far")
    yield _ensembler("weights:greedy", "members picked one by one, with replacement, for the least past error")
    yield _ensembler("weights:nnls", "the weights, none negative, that would have erred least")
    yield _ensembler("combiners:ridge_stack", "ridge regression of labels on predictions", requires=("scikit-learn",))
    text = "logistic regression of classes on predictions"
    yield _ensembler("combiners:logistic_stack", text, requires=("scikit-learn",), task="classification")
    yield _ensembler("combiners:regime", "past-performance weights of calm, usual and wild bars each")
    yield _ensembler("online:hedge", "exponential weights, learnt at each bar", update="bar")
    yield _ensembler("online:exponentiated_gradient", "exponentiated gradient, learnt at each bar", update="bar")
    yield _ensembler("weights:best_member", "control: the one member that erred least so far")


def _ensembler(function: str, description: str, **more: Any) -> quorate.EnsemblerSpec:
    name = function.partition(":")[2].replace("_", "-")
    return quorate.EnsemblerSpec(name, f"{__name__}.{function}", description=description, **more)
