"""What combines the forecasts of models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from quorate.plugins.specs.base import Spec, check_one_of


@dataclass(frozen=True)
class EnsemblerSpec(Spec):
    """An ensembler: ``function(history, **params)`` gives one weight per member, or more than that.

    `history` is an `EnsembleHistory` of out-of-fold rows whose label had ended when the answer is
    first used. With ``update="fold"`` the answer serves for one fold and is one of

    - weights, float64 (n_members,): the platform divides them by their sum;
    - a `Combiner`: a function that combines rows, each by itself, in a way of its own.

    With ``update="bar"`` it is a path of weights, float64 (n_entries, n_members), with an entry for each
    distinct bar of ``history.ends``, sorted: what it would weigh once the labels that ended by that bar are
    known. The platform divides each entry by its sum and gives every decision bar the last entry whose bar
    is not later. An entry must not change when rows whose label ends later are added.

    Weights must be finite, not negative, and not all zero. Before there is any history the platform gives
    equal weights and does not ask.

    Parameters
    ----------
    update : {"fold", "bar"}
        When it learns: at the first bar of each fold, or at each bar.
    task : {"any", "classification", "regression"}
        Labels that it can combine predictions of: classes 0 and 1, numbers, or both.
    """

    kind: ClassVar[str] = "ensembler"

    update: Literal["fold", "bar"] = "fold"
    task: Literal["any", "classification", "regression"] = "any"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_one_of(self, "update", ("fold", "bar"))
        check_one_of(self, "task", ("any", "classification", "regression"))
