"""From bars to rows, and which rows train and which are predicted.

What others take: `build_dataset`, `Dataset`, `Labels`, `Packing` and `bar_volatility` of `rows`; `Fold` and
`walk_forward` of `folds`; the combinatorial groups and paths of `splits`.
"""
