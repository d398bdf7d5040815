"""What ``report.json`` holds of members beside each other, and of symbols held out beside the others, typed."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from quorate.report.schema_base import Dashed, Number, Object


class Pair(Object):
    """Members that predict nearly the same."""

    members: list[str]
    correlation: Number


class Gain(Dashed):
    """The ensemble's Sharpe ratio less that of its best member."""

    model_config = ConfigDict(extra="allow")
    gain: Number
    seed: int
    """Of what was resampled."""


class Members(Dashed):
    """How alike the members are, and what combining them gained."""

    members: list[str]
    correlation: list[list[Number]]
    mean_correlation: Number
    close_pairs: list[Pair]
    duplicates: list[list[str]]
    warnings: list[str]
    gain: Gain


class Difference(Object):
    """A figure of the judged series on symbols that are held out, and on the others."""

    model_config = ConfigDict(extra="allow")
    unseen: Number
    seen: Number


class Gap(Dashed):
    """How the judged series did on symbols that are held out, and on the others, over the same bars."""

    sharpe: Difference
    """With ``difference``, and its interval ``low`` to ``high`` where the same bars are drawn of both."""
    accuracy: Difference
    symbol_sharpe: Difference
    """The mean over symbols, each on an account of its own: it does not depend on how many there are."""


class LookAlike(Dashed):
    """A symbol that is held out and moves as one that is not."""

    symbol: str
    as_: str = Field(alias="as")
    correlation: float


class PathFigures(Dashed):
    """What combinatorial paths come to."""

    gain: Number
    """Share of them with a Sharpe ratio above zero."""
    sharpe_p5: Number
    """5th percentile of their Sharpe ratios."""
    sharpe_median: Number


class PathsOfBoth(Object):
    """Combinatorial paths on symbols that are held out, and on the others, by the same fits."""

    groups: int
    tests: int
    splitter: str
    splits: int
    n: int
    """Paths of symbols that are held out."""
    unseen: PathFigures
    seen: PathFigures
    reason: str
    """Why there is none."""
