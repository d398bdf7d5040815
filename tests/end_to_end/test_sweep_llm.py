"""Sweeps whose trials a language model proposes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

import quorate
from support.chat import KEY, Stub, said

RECIPE = {
    "name": "asked",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 0},
    "features": {"use": ["return_1", "return_2"]},
    "folds": {"initial": 500, "test": 100},
    "models": {"logistic": {"C": 1.0}},
    "threshold": {"min_bars": 60},
    "tuning": {"trials": 6, "folds": 2, "pruner": "none", "sampler": "llm", "sampler_options": {"model": "some-model"}},
}


def test_a_sweep_tries_what_a_model_proposes_and_says_that_it_cannot_be_repeated(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = Stub()
    monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def answer(asked: dict[str, Any]) -> tuple[int, bytes]:
        if len(stub.requests) > 1:
            return 500, b""
        return said(*({"C": 0.01 * (k + 1)} for k in range(4)))

    stub.answer = answer
    found = quorate.sweep(deepcopy(RECIPE), home=tmp_path / "home")
    tried = found.trials.set_index("trial")["C"]
    assert tried[:4].tolist() == [0.01, 0.02, 0.03, 0.04]
    assert len(tried) == 6
    told = "sampler 'llm': the language model gave no trial, and tpe took its place: it answered with status 500"
    assert [one for one in found.document["warnings"] if "llm" in one] == [told]
    assert "will try other parameters: sampler 'llm': a language model answers" in str(found)
    stub.server.shutdown()
    kept = "".join(p.read_text(errors="replace") for p in (tmp_path / "home").rglob("*") if p.is_file())
    assert KEY not in kept


def test_a_sweep_needs_the_name_of_a_model(tmp_path: Any) -> None:
    recipe = deepcopy(RECIPE)
    recipe["tuning"]["sampler_options"] = {}  # type: ignore[index]
    with pytest.raises(
        quorate.RecipeError, match=r"'llm' needs the option 'model': set tuning\.sampler_options\.model"
    ):
        quorate.sweep(recipe, home=tmp_path / "home")
