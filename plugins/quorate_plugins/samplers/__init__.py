"""Built-in samplers: what a sweep tries next, drawn, counted off, or learnt from what is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import quorate


@quorate.hookimpl
def quorate_samplers() -> Iterator[quorate.SamplerSpec]:
    """Yield the built-in samplers."""
    text = "tree-structured Parzen estimator: more of what was good, less of what was not"
    yield _sampler("by_optuna:tpe", text, requires=("optuna",), several=True)
    yield _sampler("by_optuna:random", "each trial by itself, at random", requires=("optuna",), several=True)
    text = "Sobol's sequence: points that leave no large part of the space empty"
    yield _sampler("sequences:sobol", text, requires=("scipy",), seeded_by="study", several=True)
    text = "a grid, each point once before any comes again"
    yield _sampler("sequences:grid", text, seeded_by="study", several=True)
    text = "CMA-ES: a normal distribution that moves and stretches; numbers only, choices are drawn"
    yield _sampler("evolution:cma_es", text, requires=("cmaes",))
    text = "a genetic algorithm: parents of the best are crossed"
    yield _sampler("by_optuna:nsga2", text, requires=("optuna",), several=True)
    text = "a Gaussian process, asked where most is to be gained: few trials, each of which costs much"
    yield _sampler("by_optuna:gp", text, requires=("optuna", "torch", "scipy"))
    text = "the Parzen estimator of rustuna, written in Rust: a trial is asked in a millisecond"
    yield _sampler("by_rustuna:rust", text, requires=("rustuna",))
    text = "a language model at an endpoint of your own; cannot be repeated"
    yield _sampler(
        "by_llm:llm",
        text,
        requires=("optuna",),
        several=True,
        seeded_by="study",  # by which answers are told from those of other studies
        known_gaps={
            "repeat": "a language model answers the same question in another way each time",
            "resumable": "after a resumption it is asked anew, and answers in another way",
            "surroundings": "the environment says where the endpoint is, and holds its key",
        },
    )


def _sampler(function: str, description: str, **more: Any) -> quorate.SamplerSpec:
    name = function.partition(":")[2].replace("_", "-")
    return quorate.SamplerSpec(name, f"{__name__}.{function}", description=description, **more)
