"""From a score to desired weights, and what trading them earns.

What others take: `decide` and `Plan` of `strategy`, `Risk` of `risk`, `Trading` of `costs`, `backtest` of `backtest`,
the only module that imports vectorbt.
"""
