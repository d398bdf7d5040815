"""The symbols that a recipe holds out, chosen once its bars are read."""

from __future__ import annotations

import numpy as np

from quorate.bars.held_out import at_times_of_others, chosen_symbols
from quorate.bars.panel import Bars
from quorate.errors import IntegrityError
from quorate.runs.session import Session

SHARE = 0.5  # of the bars, on which a covariate that is the close of a symbol equals it by no chance


def hold_out(session: Session, bars: Bars) -> Bars:
    """Choose the symbols that the recipe holds out; the session's recipe then names them.

    Returns
    -------
    Bars
        Of all symbols, at the times at which one that is not held out has a bar.
    """
    holdout = session.recipe.holdout
    if holdout.symbols is None:
        return bars
    names = chosen_symbols(bars.symbols, holdout.symbols, holdout.seed or 0)
    chosen = holdout.model_copy(update={"symbols": names, "seed": None})
    session.recipe = session.recipe.model_copy(update={"holdout": chosen})
    found = at_times_of_others(bars, names)
    if left := int(bars.present.sum() - found.present.sum()):
        session.warn(f"{left:,} bars of symbols that are held out are left out: no other symbol has one at their times")
    _check_covariates(found, names)
    return found


def _check_covariates(bars: Bars, names: list[str]) -> None:
    """Raise `IntegrityError`, where what others read of a covariate is the close of a symbol that is held out."""
    other = next(column for column, name in enumerate(bars.symbols) if name not in names)
    for covariate, one in bars.covariates.items():
        for value in one.values:
            read = bars.covariate(f"{covariate}.{value}")[:, other]
            for name in names:
                close = bars.close[:, bars.symbols.index(name)]
                known = bars.present[:, other] & np.isfinite(read) & np.isfinite(close)
                if known.any() and (read == close)[known].mean() > SHARE:
                    raise IntegrityError(
                        f"covariates.{covariate} is the price of {name}, which holdout.symbols holds out, so that "
                        f"models would learn from it: leave the covariate out, or {name} out of holdout.symbols"
                    )
