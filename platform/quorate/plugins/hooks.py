"""All hooks, in one place. Each docstring is a complete plugin file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

if TYPE_CHECKING:
    from quorate.plugins import specs

PROJECT = "quorate"
F = TypeVar("F", bound=Callable[..., Any])

hookspec = pluggy.HookspecMarker(PROJECT)
_impl = pluggy.HookimplMarker(PROJECT)


def hookimpl(function: F) -> F:
    """Mark a plugin's function as the implementation of the hook of the same name."""
    return _impl(function)


class Hooks:
    """The hook specifications; a plugin implements any of them as a module-level function."""

    @hookspec
    def quorate_models(self) -> Iterable[specs.ModelSpec]:
        """Yield models.

        ::

            import quorate

            @quorate.hookimpl
            def quorate_models():
                yield quorate.ModelSpec(
                    "my-ridge", "sklearn.linear_model:Ridge", task="regression", params={"alpha": 1.0}
                )
        """
        raise NotImplementedError

    @hookspec
    def quorate_features(self) -> Iterable[specs.FeatureSpec]:
        """Yield features.

        ::

            import numpy as np
            import quorate

            def overnight(open, close):
                gap = np.zeros_like(close)
                gap[1:] = open[1:] / close[:-1] - 1
                return gap

            @quorate.hookimpl
            def quorate_features():
                yield quorate.FeatureSpec("overnight", overnight, inputs=("open", "close"), lookback=2)
        """
        raise NotImplementedError

    @hookspec
    def quorate_transforms(self) -> Iterable[specs.TransformSpec]:
        """Yield transforms.

        ::

            import numpy as np
            import quorate

            def learn(X, counts, share=1.0):
                return {"mean": share * np.average(X, axis=0, weights=counts)}

            def apply(X, learnt):
                return X - learnt["mean"]

            def inverse(columns, learnt):
                return columns + learnt["mean"]

            @quorate.hookimpl
            def quorate_transforms():
                yield quorate.TransformSpec("centred", learn, apply=apply, inverse=inverse)
        """
        raise NotImplementedError

    @hookspec
    def quorate_labels(self) -> Iterable[specs.LabelSpec]:
        """Yield labels.

        ::

            import numpy as np
            import quorate

            def large_rise(prices, horizon, size=0.01):
                n = len(prices)
                values = np.full_like(prices, np.nan)
                stop = max(n - 1 - horizon, 0)
                earned = prices[1 + horizon :] / prices[1 : n - horizon] - 1
                values[:stop] = np.where(np.isnan(earned), np.nan, earned > size)
                ends = np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)
                return values, ends

            @quorate.hookimpl
            def quorate_labels():
                yield quorate.LabelSpec("large-rise", large_rise)
        """
        raise NotImplementedError

    @hookspec
    def quorate_weights(self) -> Iterable[specs.WeightSpec]:
        """Yield weights of training rows.

        ::

            import numpy as np
            import quorate

            def half_life(rows, days=365.0):
                age = (rows.time[-1] - rows.time) / np.timedelta64(1, "D")
                return 0.5 ** (age / days)

            @quorate.hookimpl
            def quorate_weights():
                yield quorate.WeightSpec("half-life", half_life)
        """
        raise NotImplementedError

    @hookspec
    def quorate_splitters(self) -> Iterable[specs.SplitterSpec]:
        """Yield splitters.

        ::

            import numpy as np
            import quorate

            def yearly(sessions, start, initial=750):
                years = sessions.astype("datetime64[Y]")
                first = max(start, initial)
                while first < len(sessions):
                    stop = int(np.searchsorted(years, years[first], side="right"))
                    yield quorate.Span(first, stop)
                    first = stop

            @quorate.hookimpl
            def quorate_splitters():
                yield quorate.SplitterSpec("yearly", yearly)
        """
        raise NotImplementedError

    @hookspec
    def quorate_ensemblers(self) -> Iterable[specs.EnsemblerSpec]:
        """Yield ensemblers.

        ::

            import numpy as np
            import quorate

            def best_brier(history):
                error = ((history.predictions - history.labels[:, None]) ** 2).mean(axis=0)
                return (error == error.min()).astype(float)

            @quorate.hookimpl
            def quorate_ensemblers():
                yield quorate.EnsemblerSpec("best-brier", best_brier)
        """
        raise NotImplementedError

    @hookspec
    def quorate_strategies(self) -> Iterable[specs.StrategySpec]:
        """Yield strategies.

        ::

            import numpy as np
            import quorate

            def sized(score, threshold):
                return np.where(np.abs(np.nan_to_num(score)) > threshold, np.clip(score * 5, -1, 1), 0.0)

            @quorate.hookimpl
            def quorate_strategies():
                yield quorate.StrategySpec("sized", sized)
        """
        raise NotImplementedError

    @hookspec
    def quorate_costs(self) -> Iterable[specs.CostSpec]:
        """Yield cost models.

        ::

            import numpy as np
            import quorate

            def by_price(bars, per_share=0.005, slippage=0.0002):
                return np.minimum(per_share / bars.open, 0.01), slippage

            @quorate.hookimpl
            def quorate_costs():
                yield quorate.CostSpec("by-price", by_price)
        """
        raise NotImplementedError

    @hookspec
    def quorate_metrics(self) -> Iterable[specs.MetricSpec]:
        """Yield metrics.

        ::

            import quorate

            def worst_bar(performance):
                return float(min(performance.returns, default=float("nan")))

            @quorate.hookimpl
            def quorate_metrics():
                yield quorate.MetricSpec("worst-bar", worst_bar, unit="fraction")
        """
        raise NotImplementedError

    @hookspec
    def quorate_gates(self) -> Iterable[specs.GateSpec]:
        """Yield gates.

        ::

            import quorate

            def exposure(evidence, least=0.05):
                return quorate.judge("exposure", evidence.metric("exposure"), ">", least)

            @quorate.hookimpl
            def quorate_gates():
                yield quorate.GateSpec("exposure", exposure, params={"least": 0.05})
        """
        raise NotImplementedError

    @hookspec
    def quorate_samplers(self) -> Iterable[specs.SamplerSpec]:
        """Yield samplers.

        ::

            import numpy as np
            import quorate

            def near_the_best(space, known, running, number, seed, every=2):
                rng = np.random.default_rng(seed)
                best = min(known, key=lambda t: (t.state != "complete", t.value, t.number), default=None)
                params = {name: one.at(rng.random()) for name, one in space.items()}
                if best is not None and number % every:
                    name = sorted(space)[rng.integers(len(space))]
                    return {**best.params, name: params[name]}
                return params

            @quorate.hookimpl
            def quorate_samplers():
                yield quorate.SamplerSpec("near-the-best", near_the_best)
        """
        raise NotImplementedError

    @hookspec
    def quorate_sources(self) -> Iterable[specs.SourceSpec]:
        """Yield sources.

        ::

            import numpy as np
            import pandas as pd
            import quorate

            def staircase(n_bars: int = 300):
                time = pd.bdate_range("2020-01-01", periods=n_bars, tz="UTC") + pd.Timedelta(hours=21)
                price = 100.0 + np.arange(n_bars) % 7
                columns = {name: price for name in ("open", "high", "low", "close")}
                return quorate.Bars.from_frame(pd.DataFrame({"symbol": "STAIR", "time": time, **columns}))

            @quorate.hookimpl
            def quorate_sources():
                yield quorate.SourceSpec("staircase", staircase)
        """
        raise NotImplementedError

    @hookspec
    def quorate_recipes(self) -> Iterable[specs.RecipeSpec]:
        """Yield ready-to-run recipes, found by name.

        ::

            from pathlib import Path

            import quorate

            def path():
                return Path(__file__).with_name("weekly.toml")

            @quorate.hookimpl
            def quorate_recipes():
                yield quorate.RecipeSpec("weekly", path)
        """
        raise NotImplementedError

    @hookspec
    def quorate_alerts(self) -> Iterable[specs.AlertSpec]:
        r"""Yield alerts.

        ::

            import quorate

            def to_a_folder(alert, folder="alerts"):
                from pathlib import Path

                place = Path(folder)
                place.mkdir(exist_ok=True)
                name = f"{alert.event}-{alert.time}.txt".replace(":", "")
                (place / name).write_text(f"{alert.subject}\n{alert.text}\n", encoding="utf-8")

            @quorate.hookimpl
            def quorate_alerts():
                yield quorate.AlertSpec("to-a-folder", to_a_folder)
        """
        raise NotImplementedError


HOOKS: dict[str, str] = {
    "quorate_models": "model",
    "quorate_features": "feature",
    "quorate_transforms": "transform",
    "quorate_labels": "label",
    "quorate_weights": "weight",
    "quorate_splitters": "splitter",
    "quorate_ensemblers": "ensembler",
    "quorate_strategies": "strategy",
    "quorate_costs": "cost",
    "quorate_metrics": "metric",
    "quorate_gates": "gate",
    "quorate_samplers": "sampler",
    "quorate_sources": "source",
    "quorate_recipes": "recipe",
    "quorate_alerts": "alert",
}
