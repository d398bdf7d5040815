"""Bars: the panel of prices, its calendar, and whether the bars are what their calendar says.

What others take: `Bars` of `panel`, `Calendar` and `get_calendar` of `calendar`, the facts of `quality`; of series
beside the bars `Covariate` of `covariates`, made by `covariate_of` of `records`.
"""
