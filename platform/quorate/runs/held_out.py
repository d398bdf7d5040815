"""The symbols that a recipe holds out, chosen once its bars are read."""

from __future__ import annotations

from quorate.bars.disguise import disguised
from quorate.bars.held_out import at_times_of_others, chosen_symbols
from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, plural
from quorate.runs.session import Session


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
    """Raise `IntegrityError`, where what others read of a covariate is a price or volume of a symbol held out."""
    for one in disguised(bars, names):
        what = "price" if one.field == "close" and not one.what else f"{one.what}{one.field}"
        late = f", {plural(one.late, 'bar')} late" if one.late else ""
        raise IntegrityError(
            f"covariates.{one.covariate} is the {what.removeprefix('the ')} of {one.symbol}{late} "
            f"(value {one.value!r}), which holdout.symbols holds out, so that models would learn from it: "
            f"leave the covariate out, or {one.symbol} out of holdout.symbols"
        )
