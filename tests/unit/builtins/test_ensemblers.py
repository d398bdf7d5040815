"""The built-in ensemblers against what their sources say, and on the edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.ensemble.asking import checked_path, combiner_of
from quorate.ensemble.combiner import Combiner, EnsembleHistory, EnsembleRows
from quorate_plugins.ensemblers import combiners, online, quorate_ensemblers, weights

BUILT_IN = {spec.name: spec for spec in quorate_ensemblers()}
WEIGHING = ["mean", "past-performance", "inverse-error", "softmax", "greedy", "nnls", "best-member"]
COMBINING = ["median", "rank-mean", "ridge-stack", "logistic-stack", "regime"]
ONLINE = ["hedge", "exponentiated-gradient"]


def history(n=300, skill=(0.04, 0.02, 0.0), binary=True, seed=0, symbols=1):
    """Return rows of members that know what comes to different degrees."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1, n)
    signal = np.outer(truth, skill) + rng.normal(0, 0.05, (n, len(skill)))
    labels = (truth > 0).astype(float) if binary else 0.01 * truth
    predictions = np.clip(0.5 + signal, 0.01, 0.99) if binary else 0.01 * signal
    bars = np.arange(n) // symbols
    volatility = 0.01 * np.exp(rng.normal(0, 0.5, n))
    names = tuple("abcdefg"[: len(skill)])
    return EnsembleHistory(names, predictions, labels, bars, binary, volatility, bars + 2)


def rows_of(one, n=50):
    return EnsembleRows(one.predictions[:n], one.bars[:n], one.volatility[:n])


def shares(name, one, **params):
    return combiner_of(BUILT_IN[name], params, one).weights


def alike(n=300, members=4, binary=True):
    one = history(n, (0.03,) * members, binary)
    return replace(one, predictions=np.repeat(one.predictions[:, :1], members, axis=1))


# --- what holds for all


@pytest.mark.parametrize("name", WEIGHING)
@pytest.mark.parametrize("binary", [True, False])
def test_members_that_say_the_same_weigh_the_same(name, binary):
    np.testing.assert_allclose(shares(name, alike(binary=binary)), np.full(4, 0.25), rtol=1e-9)


@pytest.mark.parametrize("name", ONLINE)
def test_members_that_say_the_same_weigh_the_same_at_every_bar(name):
    one = alike(60)
    np.testing.assert_allclose(checked_path(BUILT_IN[name], BUILT_IN[name].resolve()(one), one), 0.25, rtol=1e-9)


@pytest.mark.parametrize("name", ["median", "rank-mean", "regime"])
def test_members_that_say_the_same_are_combined_to_what_they_say(name):
    one = alike()
    rows = rows_of(one)
    found = combiner_of(BUILT_IN[name], {}, one).combine(rows)
    np.testing.assert_allclose(found, rows.predictions[:, 0], rtol=1e-9)


@pytest.mark.parametrize("name", ["ridge-stack", "logistic-stack", "regime"])
def test_members_that_say_the_same_have_the_same_coefficient(name):
    one = alike()
    shown = combiner_of(BUILT_IN[name], {}, one).weights
    shown = shown(rows_of(one)) if callable(shown) else shown
    np.testing.assert_allclose(np.abs(shown), 0.25, rtol=1e-6)


@pytest.mark.parametrize("name", WEIGHING + ONLINE)
@pytest.mark.parametrize("binary", [True, False])
def test_the_member_that_knows_more_gets_more(name, binary):
    if name == "mean":
        return
    one = history(2000, (0.06, 0.03, 0.0), binary)
    found = BUILT_IN[name].resolve()(one)
    found = found[-1] if name in ONLINE else found
    assert found[0] >= found[1] >= found[2]
    assert found[0] > found[2]


@pytest.mark.parametrize("name", sorted(BUILT_IN))
@settings(max_examples=15, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_an_answer_is_finite_on_any_history(name, data):
    """Constant, tied, certain, of one class, a single row: whatever a model may say."""
    n = data.draw(st.sampled_from([1, 2, 3, 7, 110, 130]))
    m = data.draw(st.integers(1, 4))
    binary = BUILT_IN[name].task == "classification" or data.draw(st.booleans())
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    kinds = [data.draw(st.sampled_from(["noise", "flat", "right", "wrong", "twin", "tied"])) for _ in range(m)]
    labels = (rng.random(n) < 0.5).astype(float) if binary else rng.normal(0, 0.01, n)
    if data.draw(st.booleans()):
        labels[:] = labels[0]
    noise = rng.random(n) if binary else rng.normal(0, 0.01, n)
    columns = {
        "noise": rng.random(n) if binary else rng.normal(0, 0.01, n),
        "flat": np.full(n, 0.5 if binary else 0.0),
        "right": labels,
        "wrong": 1 - labels if binary else -labels,
        "twin": noise,
        "tied": np.round(noise, 1 if binary else 2),
    }
    predictions = np.column_stack([columns[kind] for kind in kinds])
    bars = np.arange(n) // data.draw(st.sampled_from([1, 2]))
    volatility = np.where(rng.random(n) < 0.2, np.nan, rng.random(n))
    one = EnsembleHistory(tuple("abcd"[:m]), predictions, labels, bars, binary, volatility, bars + 1)
    spec = BUILT_IN[name]
    with np.errstate(all="raise", under="ignore"):
        if spec.update == "bar":
            assert np.isfinite(checked_path(spec, spec.resolve()(one), one)).all()
            return
        found = combiner_of(spec, {}, one).combine(rows_of(one, n))
    assert np.isfinite(found).all()
    if binary:
        assert found.min() >= -1e-12
        assert found.max() <= 1 + 1e-12


# --- weights


def test_the_best_member_takes_all_and_equals_share():
    one = history(400, (0.0, 0.08, 0.0))
    assert shares("best-member", one).tolist() == [0, 1, 0]
    twins = replace(one, predictions=one.predictions[:, [1, 1, 0]])
    assert shares("best-member", twins).tolist() == [0.5, 0.5, 0]


def test_inverse_error_is_bates_and_grangers_weight():
    p, y = np.array([[0.9, 0.5], [0.2, 0.5]]), np.array([1.0, 0.0])
    one = EnsembleHistory(("a", "b"), p, y, np.arange(2), True)
    errors = np.array([(0.01 + 0.04) / 2, 0.25])
    np.testing.assert_allclose(shares("inverse-error", one), (1 / errors) / (1 / errors).sum(), rtol=1e-12)
    np.testing.assert_allclose(shares("inverse-error", one, power=2.0), errors**-2.0 / (errors**-2.0).sum(), rtol=1e-12)


def test_inverse_error_of_members_that_never_erred_is_equal():
    one = EnsembleHistory(("a", "b"), np.ones((3, 2)), np.ones(3), np.arange(3), True)
    assert shares("inverse-error", one).tolist() == [0.5, 0.5]


def test_softmax_is_the_exponential_of_what_the_sign_paid_per_risk():
    p, y = np.array([[0.02, -0.01], [0.01, 0.01], [-0.03, 0.02]]), np.array([0.02, 0.01, 0.03])
    one = EnsembleHistory(("a", "b"), p, y, np.arange(3), False)
    paid = np.sign(p) * y[:, None]
    utility = paid.mean(axis=0) / np.sqrt((paid**2).mean(axis=0))
    expected = np.exp(utility / 0.2) / np.exp(utility / 0.2).sum()
    np.testing.assert_allclose(shares("softmax", one, temperature=0.2), expected, rtol=1e-12)


def test_softmax_gives_a_member_that_trades_nothing_the_utility_of_nothing():
    p, y = np.array([[0.9, 0.5], [0.9, 0.5]]), np.array([1.0, 0.0])  # the first one gains and loses the same
    assert shares("softmax", EnsembleHistory(("a", "b"), p, y, np.arange(2), True)).tolist() == [0.5, 0.5]


def brute_force(products, rounds):
    """Return greedy selection as it is written down: the member that lowers the error of the mean most."""
    picked = []
    for _ in range(rounds):
        errors = []
        for j in range(len(products)):
            w = np.bincount([*picked, j], minlength=len(products)) / (len(picked) + 1)
            errors.append(w @ products @ w)
        picked.append(int(np.argmin(errors)))
    return np.bincount(picked, minlength=len(products))


@pytest.mark.parametrize("binary", [True, False])
def test_greedy_picks_as_caruana_et_al_do(binary):
    one = history(200, (0.04, 0.03, 0.02, 0.0), binary)
    errors = one.predictions - one.labels[:, None]
    assert weights.greedy(one, rounds=17).tolist() == brute_force(errors.T @ errors / 200, 17).tolist()


def test_greedy_in_bags_does_not_depend_on_the_order_of_columns():
    one = history(200, (0.04, 0.03, 0.02, 0.0))
    order = [2, 0, 3, 1]
    moved = replace(one, members=tuple(one.members[j] for j in order), predictions=one.predictions[:, order])
    found = weights.greedy(one, rounds=10, bags=6)
    assert weights.greedy(moved, rounds=10, bags=6).tolist() == found[order].tolist()
    assert found.sum() == pytest.approx(60)


def squared_error(one, w):
    return float(np.mean((one.predictions @ w - one.labels) ** 2))


@pytest.mark.parametrize("binary", [True, False])
def test_non_negative_least_squares_is_the_optimum_on_the_simplex(binary):
    one = history(500, (0.04, 0.03, 0.02, 0.0, -0.02), binary)
    w = shares("nnls", one)
    best = squared_error(one, w)
    assert best <= squared_error(one, shares("greedy", one, rounds=400)) * (1 + 1e-12)
    rng = np.random.default_rng(0)
    for other in [*np.eye(5), *rng.dirichlet(np.ones(5), 200)]:
        assert best <= squared_error(one, other) * (1 + 1e-12)
        for step in (1e-3, 1e-2):  # nor is there a better one nearby
            assert best <= squared_error(one, (1 - step) * w + step * other) * (1 + 1e-12)


def test_greedy_comes_near_the_optimum():
    one = history(500, (0.04, 0.03, 0.02, 0.0))
    best, worst = squared_error(one, shares("nnls", one)), squared_error(one, np.full(4, 0.25))
    assert best <= squared_error(one, shares("greedy", one)) <= best + 0.05 * (worst - best)


def test_the_rows_of_a_bar_share_its_part():
    """A bar with a hundred symbols tells no more than one with a single symbol."""
    one = history(120, (0.05, 0.0))
    many = one.take(np.repeat(np.arange(120), np.where(np.arange(120) % 2, 1, 9)))
    for name in ("inverse-error", "greedy", "nnls", "best-member", "past-performance", "softmax"):
        np.testing.assert_allclose(shares(name, many), shares(name, one), rtol=1e-6, err_msg=name)
    for name in ("ridge-stack", "logistic-stack"):
        few, all_ = (combiner_of(BUILT_IN[name], {}, h).combine(rows_of(one)) for h in (one, many))
        np.testing.assert_allclose(all_, few, atol=1e-6, err_msg=name)


# --- combining


def test_the_median_is_that_of_each_row():
    one = history(50, (0.04, 0.02, 0.0, 0.0))
    found = combiners.median(one).combine(rows_of(one))
    np.testing.assert_array_equal(found, np.median(one.predictions, axis=1))


def test_the_mean_of_ranks_is_on_the_scale_of_the_past_means():
    p = np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0], [4.0, 40.0]])
    one = EnsembleHistory(("a", "b"), p, np.zeros(4), np.arange(4), False)
    means = np.sort(p.mean(axis=1))  # 5.5, 11.5, 16, 22
    now = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [9.0, 99.0], [-9.0, -9.0], [2.5, 25.0]])
    found = combiners.rank_mean(one).combine(EnsembleRows(now, np.arange(6), np.ones(6)))
    # Levels 1/8, 3/8, 7/8, 1, 0, 1/2; quantiles stand at 1/8, 3/8, 5/8, 7/8.
    np.testing.assert_allclose(found, [means[0], means[1], means[3], means[3], means[0], (means[1] + means[2]) / 2])


def test_the_mean_of_ranks_reads_the_order_of_what_a_member_says_alone():
    one = history(200, (0.04, 0.02))
    rows = rows_of(one)
    scaled = replace(one, predictions=one.predictions.copy())
    scaled.predictions[:, 1] = one.predictions[:, 1] ** 3
    mine = replace(rows, predictions=scaled.predictions[:50])
    order = combiners.rank_mean(one).combine(rows).argsort(kind="stable")
    np.testing.assert_array_equal(combiners.rank_mean(scaled).combine(mine).argsort(kind="stable"), order)


def test_ridge_stack_is_the_closed_form():
    one = history(400, (0.04, 0.02, 0.0), binary=False)
    z = (one.predictions - one.predictions.mean(axis=0)) / one.predictions.std(axis=0)
    y = one.labels - one.labels.mean()
    coefficients = np.linalg.solve(z.T @ z / 400 + 0.1 * np.eye(3), z.T @ y / 400)
    answer = combiners.ridge_stack(one)
    np.testing.assert_allclose(answer.combine(rows_of(one)), one.labels.mean() + z[:50] @ coefficients, rtol=1e-9)
    np.testing.assert_allclose(answer.weights, coefficients / np.abs(coefficients).sum(), rtol=1e-9)


def test_ridge_stack_turns_a_member_round_that_is_always_wrong_and_says_so():
    one = history(400, (-0.06, 0.0), binary=False)
    answer = combiners.ridge_stack(one)
    assert answer.weights[0] < -0.8
    assert np.corrcoef(answer.combine(rows_of(one)), one.labels[:50])[0, 1] > 0.5


def test_logistic_stack_is_the_minimum_of_its_penalised_loss():
    from scipy.optimize import minimize

    one = history(300, (0.04, 0.02))
    z = (one.predictions - one.predictions.mean(axis=0)) / one.predictions.std(axis=0)
    sign = 2 * one.labels - 1

    def loss(b):
        return np.mean(np.log1p(np.exp(-sign * (b[0] + z @ b[1:])))) + 0.05 * b[1:] @ b[1:]

    b = minimize(loss, np.zeros(3), tol=1e-12).x
    found = combiners.logistic_stack(one).combine(rows_of(one))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-(b[0] + z[:50] @ b[1:]))), atol=1e-5)


def test_logistic_stack_names_the_one_for_numbers():
    with pytest.raises(quorate.PluginError, match=r'this label is a number: set ensemble.method = "ridge-stack"'):
        combiners.logistic_stack(history(binary=False))


@pytest.mark.parametrize("name", ["ridge-stack", "logistic-stack", "nnls"])
def test_before_there_are_enough_bars_members_weigh_the_same(name):
    found = BUILT_IN[name].resolve()(history(198, symbols=2), least=100)
    assert found.tolist() == [1, 1, 1]
    enough = BUILT_IN[name].resolve()(history(200, symbols=2), least=100)
    assert isinstance(enough, Combiner) or len(set(enough.tolist())) > 1


def test_logistic_stack_of_one_class_weighs_members_the_same():
    one = history()
    assert combiners.logistic_stack(replace(one, labels=np.zeros(300))).tolist() == [1, 1, 1]


def test_regimes_have_weights_of_their_own():
    """The first member knows what comes on calm bars, the second on wild ones."""
    one = history(900, (0.0, 0.0))
    low, high = np.quantile(one.volatility, [1 / 3, 2 / 3])
    calm, wild = one.volatility < low, one.volatility > high
    predictions = one.predictions.copy()
    predictions[calm, 0] = 0.5 + 0.2 * (one.labels[calm] - 0.5)
    predictions[wild, 1] = 0.5 + 0.2 * (one.labels[wild] - 0.5)
    one = replace(one, predictions=predictions)
    answer = combiners.regime(one)
    rows = EnsembleRows(one.predictions[:4], np.arange(4), np.array([1e-9, 9.0, np.nan, np.median(one.volatility)]))
    found = answer.weights(rows)
    assert found[0, 0] > 0.8
    assert found[1, 1] > 0.8
    overall = weights.past_performance(one)
    np.testing.assert_allclose(found[2], overall / overall.sum())
    np.testing.assert_allclose(answer.combine(rows), (found * rows.predictions).sum(axis=1))


def test_a_regime_with_few_bars_and_a_history_without_volatility_get_the_weights_of_all_rows():
    one = history(90)
    overall = weights.past_performance(one) / weights.past_performance(one).sum()
    np.testing.assert_allclose(combiners.regime(one).weights(rows_of(one)), np.tile(overall, (50, 1)))
    np.testing.assert_allclose(combiners.regime(replace(one, volatility=np.full(90, np.nan))), overall)


# --- at every bar


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("symbols", [1, 2])
def test_hedge_is_what_a_plain_loop_gives(binary, symbols):
    one = history(120, (0.04, 0.02, 0.0), binary, symbols=symbols)
    total, path = np.zeros(3), []
    for t, end in enumerate(np.unique(one.ends), 1):
        now = one.ends == end
        total = total + ((one.predictions[now] - one.labels[now, None]) ** 2).mean(axis=0)
        variance = 1.0 if binary else one.labels[one.ends <= end].var()
        loss = total / variance if variance > 0 else np.zeros(3)
        w = np.exp(-0.7 * np.sqrt(8 * np.log(3) / t) * loss)
        path.append(w / w.sum())
    found = online.hedge(one, rate=0.7)
    np.testing.assert_allclose(found / found.sum(axis=1, keepdims=True), path, rtol=1e-7)


def test_hedge_keeps_its_bound():
    """Regret at most 2 sqrt(T ln(N) / 2) + sqrt(ln(N) / 8), theorem 2.3; the squared error of the mixture is less."""
    one = history(1000, (0.06, 0.0, -0.06))
    path = checked_path(BUILT_IN["hedge"], online.hedge(one), one)
    losses = (one.predictions - one.labels[:, None]) ** 2
    played = np.vstack([np.full(3, 1 / 3), path[:-1]])
    regret = (played * losses).sum() - losses.sum(axis=0).min()
    assert regret <= 2 * np.sqrt(1000 / 2 * np.log(3)) + np.sqrt(np.log(3) / 8)


@pytest.mark.parametrize("binary", [True, False])
def test_exponentiated_gradient_is_what_a_plain_loop_gives(binary):
    one = history(120, (0.04, 0.02, 0.0), binary, symbols=2)
    w, path = np.full(3, 1 / 3), []
    for end in np.unique(one.ends):
        p, y = one.predictions[one.ends == end], one.labels[one.ends == end]
        gradient = (2 * (p @ w - y)[:, None] * p).mean(axis=0)
        w = w * np.exp(-0.05 * gradient / (0.25 if binary else one.labels[one.ends <= end].var()))
        w = w / w.sum()
        path.append(w)
    np.testing.assert_allclose(online.exponentiated_gradient(one, rate=0.05), path, rtol=1e-7)


def test_exponentiated_gradient_values_what_a_member_adds_to_the_others():
    """Of two members with the same error the one whose errors are its own gets more than two that err together."""
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.01, 3000)
    shared, own = rng.normal(0, 0.01, 3000), rng.normal(0, 0.01, 3000)
    predictions = np.column_stack([truth + shared, truth + shared, truth + own])
    one = EnsembleHistory(("a", "b", "c"), predictions, truth, np.arange(3000), False)
    found = online.exponentiated_gradient(one)[-1]
    assert found[2] > 0.45  # the optimum is a half
    assert online.hedge(one)[-1][2] / online.hedge(one)[-1].sum() < 0.9


@pytest.mark.parametrize("name", ONLINE)
@settings(max_examples=20, deadline=None, database=None, derandomize=True)
@given(cut=st.integers(1, 79), binary=st.booleans())
def test_the_path_of_a_shorter_history_is_the_beginning_of_the_longer_ones(name, cut, binary):
    one = history(160, binary=binary, symbols=2)
    path = BUILT_IN[name].resolve()(one)
    shorter = BUILT_IN[name].resolve()(one.take(one.bars < cut))
    np.testing.assert_allclose(shorter, path[:cut], rtol=1e-12)
