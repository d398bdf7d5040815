"""From bars to rows, and which rows train and which are predicted.

What others take: `build_dataset`, `Dataset` and `Labels` of `rows`; `Fold` and `walk_forward` of `folds`; the
combinatorial groups and paths of `splits`.
"""
