"""What covariates ask of rows: that of those which features read enough is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from quorate.bars.covariates import DAY, NEXT, Covariate, named
from quorate.bars.panel import FIELDS, Bars
from quorate.errors import DataError, PluginError, near_misses, one_of, plural
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats

Mask = NDArray[np.bool_]
Pack = Callable[[Floats], Floats]


def input_of(bars: Bars, spec: FeatureSpec, name: str) -> Floats:
    """Return what a feature's input names, (n_bars, n_symbols): a field of bars, or a covariate as it was known.

    Raises
    ------
    PluginError
        If bars have neither.
    """
    if name in FIELDS:
        field: Floats = getattr(bars, name)
        return field
    if name.partition(".")[0] not in bars.covariates:
        known = [*FIELDS, *bars.covariates]
        raise PluginError(
            f"feature {spec.name!r}: unknown input {name!r}: it must be one of {', '.join(known)}, or a covariate that "
            f"the recipe has: [covariates.{name.partition('.')[0]}]{near_misses(name, known)}"
        )
    return bars.covariate(name)


def as_known(values: Floats) -> Floats:
    """Return a covariate as it was known: the feature that it is itself."""
    return values


def where_known(bars: Bars, features: Sequence[FeatureSpec], usable: Mask, pack: Pack, unpack: Pack) -> Mask:
    """Return where features can be had that read covariates, (n_bars, n_symbols).

    Of what a feature reads it needs as many bars in a row as its lookback.

    Parameters
    ----------
    usable : ndarray of bool, (n_bars, n_symbols)
        Where all other features can be had.
    pack, unpack : callable
        As of `Packing`.

    Raises
    ------
    DataError
        If nothing is known at all, or where that is to be an error.
    """
    found = usable
    for spec in features:
        for name in spec.inputs:
            if name not in FIELDS:
                lacks = np.isnan(input_of(bars, spec, name))
                _refuse(bars, name, usable)
                found = found & (in_a_row(~lacks & bars.present, pack, unpack) >= spec.lookback)
                if usable.any() and not found.any():
                    raise DataError(_nowhere(bars, name, spec))
    return found


def in_a_row(mask: Mask, pack: Pack, unpack: Pack) -> Floats:
    """Return for how many of its symbol's bars in a row, up to each, something holds."""
    holds = pack(mask.astype(np.float64)) > 0
    bar = np.arange(len(holds))[:, None]
    return unpack((bar - np.maximum.accumulate(np.where(holds, -1, bar), axis=0)).astype(np.float64))


def gaps_between(most: int, window: int) -> str:
    """Return what is said where nowhere as many bars in a row as models read have all features."""
    return (
        f"no row has all its features on {window} bars in a row, as models that read windows need them: the most are "
        f"{most}, as covariates are not known in between, or are stale; give a number as covariates.NAME.missing, a "
        "longer max_age, or models a shorter lookback"
    )


def _refuse(bars: Bars, name: str, usable: Mask) -> None:
    """Raise `DataError`, where a covariate is missing or stale on rows that would be used, and may not be."""
    which, value = named(bars.covariates, name)
    one, key = bars.covariates[which].as_read, f"covariates.{which}"
    if "error" not in (one.missing, one.stale):
        return
    if value == NEXT:
        bad = usable & np.isnan(bars.covariate(name))
        if one.missing == "error" and bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise DataError(
                f"{key}: nothing is known to come of {bars.symbols[column]} on {bars.sessions[row]} "
                f"({plural(int(bad.sum()), 'row')}): complete it, or set {key}.missing"
            )
        return
    place = one.places(bars.times, bars.symbols)
    ages = one.ages(place, bars.times)
    for bad, wanted, what, remedy in (
        (usable & (place < 0), one.missing, "nothing is known", f"begin later (data.since), or set {key}.missing"),
        (usable & one.is_stale(ages), one.stale, "what is known is stale", f"bring it up to date, or set {key}.stale"),
    ):
        if wanted == "error" and bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            age = ages[row, column]
            old = f", of {age:.1f} days before (max_age {_days(one):g})" if np.isfinite(age) else ""
            raise DataError(
                f"{key}: {what} of {bars.symbols[column]} on {bars.sessions[row]}{old} "
                f"({plural(int(bad.sum()), 'row')}): {remedy}"
            )


def _days(covariate: Covariate) -> float:
    age = covariate.max_age
    return float("inf") if age is None else int(age.astype("timedelta64[us]").astype(np.int64)) / DAY


def _nowhere(bars: Bars, name: str, spec: FeatureSpec) -> str:
    which, _ = named(bars.covariates, name)
    one = bars.covariates[which]
    told = f"known from {one.known[0]} to {one.known[-1]}, of {one_of(one.symbols)}" if len(one) else "none"
    return (
        f"no row has all its features: of the covariate {which!r}, which feature {spec.name!r} reads on "
        f"{plural(spec.lookback, 'bar')} in a row, not enough is known anywhere. The bars are {bars.span} of "
        f"{one_of(bars.symbols[:5])}; its records: {told}"
    )
