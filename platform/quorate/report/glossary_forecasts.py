"""The words of the report on forecasts of a distribution, of several steps, and with several seeds."""

from __future__ import annotations

from quorate.report.glossary_base import COMMON, OURS, Term

INTERVAL = "Christoffersen (1998), International Economic Review 39(4)"

OF_DISTRIBUTIONS: dict[str, Term] = {
    "quantile": Term(
        "A bound that a label is forecast to lie below with some probability: 0.9 is nine times of ten.",
        "A member gives it, or ensemble.interval makes it of past errors.",
        "Koenker and Bassett (1978), Econometrica 46(1)",
    ),
    "labels below": Term(
        "The share of labels at or below a quantile: of a true quantile it is its level.",
        "labels at or below it / all labels",
        INTERVAL,
    ),
    "pinball": Term(
        "The loss of a quantile, in the unit of the labels: lower is better. At 0.5 it is half the absolute error.",
        "mean of level x distance where the label is above it, of (1 - level) x distance where it is below",
        "Koenker and Bassett (1978), Econometrica 46(1)",
    ),
    "interval": Term(
        "The share of labels that should lie between two quantiles as far from both ends: 0.1 and 0.9 are 80%.",
        "upper level - lower level",
        INTERVAL,
    ),
    "coverage": Term(
        "The share of labels that lay within an interval: near the share that it should hold, if it is right.",
        "labels within it, its ends included / all labels",
        INTERVAL,
    ),
    "95% CI": Term(
        "Where the coverage may truly be.",
        "Wilson's interval, with as many independent bars as the hits are worth: misses come together.",
        "Wilson (1927); Newey and West (1987), Econometrica 55(3)",
    ),
    "width": Term(
        "How far the ends of an interval are apart: of two that hold, the narrower says more.",
        "mean of upper - lower quantile",
        INTERVAL,
    ),
    "it": Term(
        "What the figures come to in words: whether an interval or a bound held what it promised.",
        "An interval holds if its share lies in the 95% CI; a bound if neither test has a p-value below 0.05.",
        OURS,
    ),
    "network": Term(
        "A model of layers, trained by gradients: it must forecast better than a line, and than boosted trees.",
        "What a plugin says it is: quorate plugins show NAME, family.",
        OURS,
    ),
    "against": Term("The model that a network is compared with, on the same rows.", "A member of the same run.", OURS),
    "it is": Term(
        "A linear control, or boosted trees.", "What its plugin says: quorate plugins show NAME, family.", OURS
    ),
    "loss": Term(
        "The mean squared error of forecasts, of classes that of probabilities (Brier score): lower is better.",
        "mean of (label - forecast) squared, symbols of one bar averaged",
        "Brier (1950), Monthly Weather Review 78(1)",
    ),
    "change": Term(
        "How much larger a network's loss is than the other's: below zero the network is better.",
        "loss of the network / loss of the other - 1",
        OURS,
    ),
    "95% interval": Term(
        "Where a change, or difference, may truly be: with 0 in it, neither is better for certain.",
        "difference +/- t x its standard error, over the loss of the other; by the variance of the test beside it",
        "Diebold and Mariano (1995); Harvey, Leybourne and Newbold (1997)",
    ),
    "p of all": Term(
        "That a network is not better than the other, where all networks are counted that were compared with it.",
        "Step-down test of 2,000 resampled histories, one-sided",
        "Romano and Wolf (2005), Econometrica 73(4); Hansen (2005), Journal of Business and Economic Statistics 23(4)",
    ),
    "bars' worth": Term(
        "As many independent bars are as sure of the difference of two losses.",
        "variance of the difference over its squared standard error, at most the bars there are",
        "Newey and West (1987), Econometrica 55(3)",
    ),
    "finding": Term(
        "What DM and p of all say: better, no better, or worse than the other.",
        "Two-sided, at 5%; better only if p of all is below 0.05, too",
        OURS,
    ),
    "confidence": Term(
        "How often a loss should stay within a bound: 95% or 99%.", "1 - the level of the quantile", "Kupiec (1995)"
    ),
    "VaR": Term(
        "Value at risk: the loss that is forecast not to be exceeded with that confidence; mean over forecasts.",
        "minus the quantile at 1 - confidence, or on a straight line between two around it at most 0.05 apart",
        "Kupiec (1995), Journal of Derivatives 3(2)",
    ),
    "CVaR": Term(
        "Expected shortfall: the mean loss that is forecast where the value at risk is exceeded.",
        "minus the mean of the quantiles below 1 - confidence; below the lowest one as high as there",
        "Acerbi and Tasche (2002), Journal of Banking & Finance 26(7)",
    ),
    "mean excess": Term(
        "The mean loss where the value at risk was exceeded: to be compared with CVaR.",
        "minus the mean of labels below the bound",
        "Acerbi and Tasche (2002), Journal of Banking & Finance 26(7)",
    ),
    "exceeded": Term(
        "How often the loss was larger than the value at risk.", "labels below the bound", "Kupiec (1995)"
    ),
    "expected": Term("How often it should have been.", "(1 - confidence) x forecasts", "Kupiec (1995)"),
    "Kupiec p": Term(
        "How likely so many, or so few, are exceeded by chance, if the bound is right.",
        "likelihood ratio of the share exceeded by labels that do not overlap, of one symbol only",
        "Kupiec (1995), Journal of Derivatives 3(2)",
    ),
    "Christoffersen p": Term(
        "How likely they come together as much as they do by chance, if one tells nothing of the next.",
        "likelihood ratio against a chance that depends on the one before; of labels and symbols as Kupiec p",
        INTERVAL,
    ),
    "step": Term(
        "How many bars after the fill a label ends, where a recipe has several.", "labels.steps of the recipe", OURS
    ),
    "RMSE": Term(
        "The size of a typical error, large ones weighing more.", "root of the mean squared error", "a common word"
    ),
    "fresh": Term(
        "The member that is the same as one with warm_start, but begins afresh on every fold.",
        "the first of the same plugin with the same options",
        OURS,
    ),
    "difference": Term(
        "By how much the squared error is larger where the model goes on from the fold before: below zero it gained.",
        "(mean squared error - that of the fresh one) / that of the fresh one",
        OURS,
    ),
    "against fresh": Term(
        "Whether going on from the fold before made the forecasts better or worse, or neither can be told.",
        "where the 95% interval lies",
        OURS,
    ),
    "fit time": Term("Wall time that the fits of all folds took.", "sum over folds", OURS),
    "fresh fit time": Term("The same of the fresh one.", "sum over folds", OURS),
    "fresh epochs": Term("The same of the fresh one.", "sum over folds", OURS),
    "against persistence": Term(
        "The absolute error over that of the forecast that nothing changes: below 1 the model is better.",
        "mean |error| / mean |label|, for labels that are returns",
        "Hyndman and Koehler (2006), International Journal of Forecasting 22(4)",
    ),
    "seed": Term(
        "What random numbers begin with: first weights, the order of rows. Another gives another model.",
        "models.NAME.seeds of the recipe says how many a model has; the forecast is the mean over them.",
        OURS,
    ),
    "figure": Term("What is told of a model and its seeds.", "Log loss of a class, RMSE of a number, and more.", OURS),
    "mean forecast": Term(
        "The figure of the model as it is judged: of the mean of its seeds' forecasts.", "Figure of the mean.", OURS
    ),
    "mean seed": Term("What one seed comes to on average: most often worse than the mean.", "Mean of figures.", OURS),
    "SD over seeds": Term(
        "How much the choice of a seed moves a figure. One seed does not tell apart what is closer.",
        "deviation (ddof 1) of the seeds' figures",
        OURS,
    ),
    "lowest seed": Term("The lowest figure of a seed.", "Minimum over the seeds.", OURS),
    "highest seed": Term("The highest figure of a seed.", "Maximum over the seeds.", OURS),
    "log loss": Term(
        "What a forecast probability costs: lower is better, 0.6931 knows nothing.",
        "mean of -log of the probability of what came, in nats",
        COMMON,
    ),
}
