"""From bars to rows, and which rows train and which are predicted.

What others take: `build_dataset` and `Dataset` of `rows`; `Labels` of `labels`; `bar_volatility` of `packing`; `Fold`
and `walk_forward` of `folds`; the combinatorial groups and paths of `splits`.
"""
