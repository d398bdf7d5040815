"""Two values of a covariate against their own mean, and how old they are."""

import quorate
from quorate import rolling


def news_surprise(score, count, age):
    mean = rolling.mean(score, 20)
    return (score - mean) * count / (1.0 + age)


@quorate.hookimpl
def quorate_features():
    inputs = ("news.score", "news.count", "news.age")
    yield quorate.FeatureSpec("news-surprise", news_surprise, inputs=inputs, lookback=20)
