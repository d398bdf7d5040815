"""Several registered ensembles as one portfolio: what they are together, and what to hold next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from quorate.errors import DataError, RecipeError, near_misses, one_of
from quorate.execution.progress import Progress
from quorate.report.views.portfolio import render, sentences
from quorate.runs.portfolio_risk import CONFIDENCE, ENOUGH, EVERY, FIRST, WEIGHTS, Chosen, choose, figures
from quorate.runs.portfolio_series import NAMES, Joint, Member, joint, members_of, no_overlap
from quorate.runs.predict import Prediction
from quorate.runs.registering import ModelRegistry
from quorate.statistics import Floats

if TYPE_CHECKING:
    import pandas as pd

Data = str | Path | Mapping[str, str | Path]


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Several registered ensembles as one.

    Parameters
    ----------
    document : mapping
        ``members``, what each is; ``weights`` and ``risk_budget`` as asked; ``shares`` and ``scale``, chosen from the
        walk-forward; ``parts``, what came of them in each; ``registered``, of how many these were chosen;
        ``warnings``; ``next``, the weights for the next bar, if they were asked for.
    series : mapping of str to (times, returns)
        By part: when each joint return is known, and what the portfolio earned.
    """

    document: Mapping[str, Any]
    series: Mapping[str, tuple[Any, Floats]] = field(repr=False)

    @property
    def sentence(self) -> str:
        """What they are together, in plain words."""
        return " ".join(sentences(self.document))

    @property
    def returns(self) -> pd.DataFrame:
        """Net simple return of the portfolio by the moment at which it is known, UTC: ``part``, ``return``."""
        import pandas as pd

        frames = [
            pd.DataFrame({"part": part, "return": values}, pd.DatetimeIndex(times, name="time").tz_localize("UTC"))
            for part, (times, values) in self.series.items()
        ]
        return pd.concat(frames)

    @property
    def correlations(self) -> pd.DataFrame:
        """One row per part and pair: ``a``, ``b``, ``correlation`` and its interval, ``low`` to ``high``."""
        import pandas as pd

        parts = self.document["parts"].items()
        rows = [{"part": name, **pair} for name, part in parts if part for pair in part["correlation"]["pairs"]]
        return pd.DataFrame(rows, columns=["part", "a", "b", "correlation", "low", "high"])

    @property
    def targets(self) -> pd.DataFrame:
        """One row per symbol: the netted ``weight`` for the next bar; empty unless it was asked for."""
        import pandas as pd

        return pd.DataFrame((self.document["next"] or {"targets": []})["targets"], columns=["symbol", "weight", "from"])

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dict(self.document)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what the terminal does."""
        from quorate.report.console import as_html

        return as_html(lambda: render(self.document))

    def __repr__(self) -> str:
        return f"Portfolio({self.sentence})"


def portfolio(
    names: Sequence[str],
    *,
    weights: Literal["equal", "inverse-vol", "risk-parity"] = "equal",
    risk_budget: float | None = None,
    predict: bool = False,
    data: Data | None = None,
    home: str | Path | None = None,
    progress: Progress | None = None,
) -> Portfolio:
    """Look at several registered ensembles as one portfolio.

    What each earned in walk-forward and holdout is laid on the closes at which all of them are known: the sessions that
    all have, of daily bars, else refresh times. Shares of capital are set anew at each such close, without costs of
    their own. Shares and scale are chosen from the walk-forward alone: in it by the returns before each close, for the
    holdout and the next bar by all of it. No gate judges here.

    Parameters
    ----------
    names : sequence of str
        Registered versions: ``NAME@3``, ``NAME@champion``, or ``NAME``; their order does not matter.
    weights : {"equal", "inverse-vol", "risk-parity"}
        Shares of the capital: the same, in proportion to one over the volatility, or so that each is an equal part of
        the risk.
    risk_budget : float, optional
        Volatility per year that the whole may have at most, as a fraction; above it all shares are scaled down.
    predict : bool
        Also ask each for its weights for the next bar, and net them by symbol.
    data : path, or mapping of str to path, optional
        With `predict`: bars to read instead of those that the recipes name, for all, or by name or label.
    home : path, optional
        Default ``QUORATE_HOME`` or ``.quorate``.

    Returns
    -------
    Portfolio

    Raises
    ------
    RecipeError
        If a name is given twice, or an option makes no sense.
    StoreError
        If a version is not registered.
    IntegrityError
        If a version is not as it was registered.
    DataError
        If they have no walk-forward in common, or it is too short to choose by.
    """
    _check(weights, risk_budget, predict, data)
    members = members_of(names, home)
    labels = [one.label for one in members]
    given = _data_of(members, data)
    parts: dict[str, Joint | None] = {name: joint(members, part) for part, name in NAMES.items()}
    ahead = parts["walk-forward"]
    if ahead is None:
        raise DataError(no_overlap(members))
    chosen = choose(ahead.total, ahead.bars_per_year, weights, risk_budget)
    found: dict[str, Any] = {}
    series: dict[str, tuple[Any, Floats]] = {}
    for name, one in parts.items():
        found[name] = None
        if one is not None:
            found[name], returns = figures(one, labels, chosen, name)
            series[name] = (one.known[-len(returns) :], returns)
    document = {
        "members": [one.listed() for one in members],
        "weights": weights,
        "risk_budget": risk_budget,
        "shares": dict(zip(labels, chosen.last_shares.tolist(), strict=True)),
        "scale": chosen.last_scale,
        "chosen_on": {
            "part": "walk-forward",
            "returns": len(ahead.total),
            "volatility": chosen.volatility if math.isfinite(chosen.volatility) else None,
            "first": FIRST if chosen.begin else 0,
            "every": EVERY if chosen.begin else 0,
        },
        "registered": _registered(len(members), home),
        "parts": found,
        "confidence": CONFIDENCE,
        "warnings": _warnings(members, found, risk_budget),
        "next": None,
    }
    if predict:
        asked = {one.label: one.version.predict(given.get(one.label), progress) for one in members}
        document["next"] = netted(asked, chosen)
    return Portfolio(document, series)


def _check(weights: str, risk_budget: float | None, predict: bool, data: Data | None) -> None:
    if weights not in WEIGHTS:
        raise RecipeError(
            f"weights must be one of {one_of(WEIGHTS)}; it was {weights!r}{near_misses(weights, WEIGHTS)}"
        )
    if risk_budget is not None and not 0 < risk_budget < math.inf:
        raise RecipeError(
            f"the risk budget must be a volatility per year above 0, as 0.10 for 10 %; it was {risk_budget!r}"
        )
    if data is not None and not predict:
        raise RecipeError("data are the bars of the next weights: ask to predict, too")


def _data_of(members: Sequence[Member], data: Data | None) -> dict[str, str | Path]:
    """Return by label which bars each is to read, where that is said."""
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        return {one.label: data for one in members}
    by_name = {name: one.label for one in members for name in (one.version.standing.name, one.label)}
    for name in data:
        if name not in by_name:
            raise RecipeError(
                f"data are given for {name!r}, which is none of {one_of(by_name)}{near_misses(name, by_name)}"
            )
    return {one.label: data[key] for one in members for key in (one.version.standing.name, one.label) if key in data}


def _registered(k: int, home: str | Path | None) -> dict[str, int]:
    """Return of how many versions these were chosen, and how many such sets there are."""
    versions = ModelRegistry(home).versions()
    return {"versions": len(versions), "names": int(versions["name"].nunique()), "sets": math.comb(len(versions), k)}


def _warnings(members: Sequence[Member], parts: Mapping[str, Any], budget: float | None) -> list[str]:
    found = [
        f"{one.label} is used in spite of its verdict {one.version.standing.verdict}: {one.version.standing.override}"
        for one in members
        if one.version.standing.override
    ]
    found += [f"{one.label} is retired" for one in members if one.version.standing.stage == "retired"]
    for name, part in parts.items():
        if part is None:
            found.append(f"the {name} is not in common: nothing is said of it")
            continue
        if part["evidence"] == "INSUFFICIENT":
            found.append(f"the {name} has {part['returns']:,} joint returns: fewer than {ENOUGH} are INSUFFICIENT")
        lost = [f"{one['left_out']:,} closes of {one['label']}" for one in part["members"] if one["left_out"]]
        if lost:
            found.append(f"the {name} leaves out what not all have: {', '.join(lost)}")
    held = parts["holdout"]
    if budget is not None and held and held["volatility"] is not None and held["volatility"] > budget:
        found.append(f"in the holdout the volatility was {held['volatility']:.1%}, above the budget of {budget:.1%}")
    return found


def netted(asked: Mapping[str, Prediction], chosen: Chosen) -> dict[str, Any]:
    """Return the weights for the next bar, those of a symbol in several ensembles as one.

    Parameters
    ----------
    asked : mapping of str to Prediction
        By label, in the order of the shares.
    chosen : Chosen
        Shares and scale at the end of the walk-forward.
    """
    shares = dict(zip(asked, (chosen.last_shares * chosen.last_scale).tolist(), strict=True))
    origins: dict[str, dict[str, float]] = {}
    for label, found in asked.items():
        for target in found.targets:
            origins.setdefault(target["symbol"], {})[label] = shares[label] * target["weight"]
    weights = {symbol: math.fsum(each.values()) for symbol, each in sorted(origins.items())}
    told = [f"{label}: {text}" for label, found in asked.items() for text in found.warnings]
    decided = {label: found.decided for label, found in asked.items()}
    if len(set(decided.values())) > 1:
        told.append("these weights were not decided at one close: each is for the next bar of its own ensemble")
    told += [f"{label} holds symbols out: they are not in it" for label, found in asked.items() if found.unseen]
    return {
        "decided": decided,
        "fill": {label: found.fill for label, found in asked.items()},
        "targets": [{"symbol": name, "weight": weight, "from": origins[name]} for name, weight in weights.items()],
        "gross": math.fsum(map(abs, weights.values())),
        "gross_apart": math.fsum(abs(weight) for each in origins.values() for weight in each.values()),
        "net": math.fsum(weights.values()),
        "warnings": told,
    }
