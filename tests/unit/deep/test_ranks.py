"""Two processes that train one network: both hold the same, and it is what one process would have learnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quorate_plugins.deep.engine import predict
from support.ranks import CASES, train_in_two

pytestmark = pytest.mark.full

Found = list[dict[str, dict[str, Any]]]
FAILS = ("sharpe",)
OTHER_DRAWS = ("dropped",)
LEARN = [case for case in CASES if case not in (*FAILS, *OTHER_DRAWS, "not-finite")]
TOLD = ("losses", "scores", "ended", "why")


@pytest.fixture(scope="module", name="found")
def _found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return train_in_two(tmp_path_factory.mktemp("ranks"))


@pytest.mark.parametrize("case", [case for case in CASES if case not in FAILS])
def test_processes_hold_the_same_bit_for_bit(found: Found, case: str) -> None:
    first, second, _ = (one[case] for one in found)
    assert set(first) == set(second) > set(TOLD) or "error" in first
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.parametrize("case", LEARN)
def test_the_loss_of_each_step_is_that_of_one_process(found: Found, case: str) -> None:
    first, _, alone = (one[case] for one in found)
    assert first["losses"].std() > 1e-3
    np.testing.assert_allclose(first["losses"], alone["losses"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(first["ended"], alone["ended"])
    assert first["why"] == alone["why"]
    if not case.startswith("norms"):  # a bias before a normalisation does nothing, and drifts as rounding has it
        for name in set(first) - {*TOLD}:
            np.testing.assert_allclose(first[name], alone[name], rtol=0, atol=1e-5, err_msg=name)


def test_training_ends_everywhere_at_once(found: Found) -> None:
    first = found[0]["stops"]
    assert first["why"] == "no progress in 2 epochs"
    assert first["ended"][1] == first["ended"][0] + 2 < CASES["stops"][1]["epochs"]


def test_a_loss_that_is_not_finite_is_seen_everywhere(found: Found) -> None:
    reasons = [str(one["not-finite"].get("error", one["not-finite"].get("why"))) for one in found]
    assert "not finite" in reasons[0]
    assert len({*reasons}) == 1


def test_what_is_dropped_is_drawn_by_each_process(found: Found) -> None:
    first, _, alone = (one["dropped"] for one in found)
    assert np.abs(first["losses"] - alone["losses"]).max() > 1e-3


def test_a_loss_of_a_whole_step_is_refused(found: Found) -> None:
    first, second, alone = (one["sharpe"] for one in found)
    assert str(first["error"]) == str(second["error"])
    assert "neg_sharpe" in str(first["error"])
    assert "error" not in alone


def test_a_step_without_rows_gives_no_forecast() -> None:
    import torch

    from quorate_plugins.deep.feed import Feed, Part
    from quorate_plugins.deep.models import gru
    from quorate_plugins.deep.scaling import scaling_of
    from support.ranks import rows

    X, y = rows(20, 10, "regression", False)
    feed = Feed([Part(X, y[:, None].astype(np.float32))], [scaling_of(X, "z-score")], 32, torch.device("cpu"))
    _, labels, weights = feed.step([torch.arange(0)])
    assert not labels.any()
    assert not weights.any()
    model = gru(hidden=4, epochs=1).fit(X, y)
    assert predict(model.network_, feed, [10])[0].shape == (10, 1)
