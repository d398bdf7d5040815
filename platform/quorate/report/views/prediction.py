"""The desired weights for the next bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report import console

MOST = 6  # symbols whose members' forecasts are shown


def render(prediction: Mapping[str, Any]) -> None:
    """Print the weights, and what each member says; `prediction` is a `Prediction` as plain data."""
    target, weights, targets = console.out(), prediction["weights"], prediction["targets"]
    target.print(
        f"decided at {prediction['decided']} for the next bar's {prediction['fill']}; "
        f"{console.plural(prediction['train_rows'], 'training row')}; threshold {prediction['threshold']:g}"
    )
    if kept := prediction["kept"]:
        target.print(
            f"by the models of fold {kept['fold']}, trained on rows from {kept['train_first']} to {kept['train_last']} "
            f"(labels until {kept['label_end']}); the {console.plural(kept['bars_since'], 'bar')} since then trained "
            "none of them"
        )
        if again := kept["fitted_again"]:
            target.print(f"not kept, so fitted again on the rows of that fold: {', '.join(again)}")
    if before := prediction["gone_on"]:
        target.print(
            f"not trained afresh, but fine-tuned from their models of fold {before['fold']} (labels until "
            f"{before['label_end']}, {console.plural(before['bars_since'], 'bar')} ago): {', '.join(before['models'])}"
        )
    _desired(targets)
    columns = [("member", "left"), ("weight", "right"), *((t["symbol"], "right") for t in targets[:MOST])]
    cells = [
        [m, console.figure(weights[m], ".1%"), *(console.figure(t["members"][m], ".4f") for t in targets[:MOST])]
        for m in weights
    ]
    target.print(console.table(columns, [cells]))
    if held := prediction["unseen"]:
        target.print("symbols that are held out, with a capital of their own:")
        _desired(held)
    if prediction["verdict"] != "PASS":
        console.err().print(
            f"note: the verdict on this ensemble is {prediction['verdict']}; it has not earned promotion"
        )


def _desired(targets: Sequence[Mapping[str, Any]]) -> None:
    """Print what is desired of some symbols, and the quantiles of what is forecast, where there are some."""
    levels = list(targets[0].get("quantiles", ()))
    columns = [("symbol", "left"), ("weight", "right"), ("score", "right"), ("ensemble", "right")]
    columns += [(f"q{level}", "right") for level in levels]
    rows = [
        [t["symbol"], f"{t['weight']:+.4f}", f"{t['score']:+.4f}", f"{t['prediction']:.4f}"]
        + [console.figure(t["quantiles"][k], ".4f") for k in levels]
        for t in targets
    ]
    console.out().print(console.table(columns, [rows]))
