"""Members combined into one forecast, causally.

What others take: `combine_all` and `Combined` of `combine`; what an ensembler sees (`EnsembleHistory`,
`EnsembleRows`, `Combiner`) of `combiner`. `asking` calls the ensembler, `calibration` maps members to
one scale, `diversity` says how different they are.
"""
