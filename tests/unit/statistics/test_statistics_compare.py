"""Tests of forecasts and strategies against R, statsmodels and arch; each case names its source."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quorate import statistics
from quorate.statistics._compare import _long_run_deviation
from quorate.statistics._resampling import means, positions

# Residuals of ets and auto.arima on WWWusage: the documented example of dm.test() in R forecast 8.20.
ETS = np.array([
    -2.337683069785882, -2.090035908702788, 4.254097150256555, -0.8027266399785304, -1.002622689265337,
    1.8121808941138369, -2.809738486175519, 3.6218022887564842, 1.3805813625348407, -1.44125522523899,
    1.1808432431135714, 6.373549314138444, -1.5016905593554668, 3.9204327049264407, 7.491573208828342,
    0.611507671104988, -1.77837341998557, -1.5247560277038872, -5.078968051461231, -1.1993172700442472,
    0.6269299121576069, 2.816833247425393, -7.62198103816425, -6.132090918150055, 7.947774367654546,
    8.837991082529612, 1.5047447743541227, -3.5161186265312097, -4.454965475548278, -1.3824277454884282,
    -2.5586820805746697, -1.9323513852172027, 1.88447828298834, 2.4503744011286415, -1.9932064761689219,
    -1.3759347569907163, 2.4411356173655605, 6.007033156533751, 0.12708361643157673, -1.0749196007253943,
    -0.4479319984864958, 6.36890163148766, 2.498429060093315, 0.671941893385906, -3.517962870585052,
    -1.4549028046741341, 0.1812039353480941, -0.8143256681377409, 1.9976764944370586, -0.624185959180295,
    -3.8168905592547446, 2.434103534361384, 2.007212234068561, -1.6244237729109727, -5.004769128550606,
    0.06073333236454914, -5.739587654778177, -6.681655266654587, 0.3909368823323973, -1.0338085654861118,
    -0.8533825922883267, -0.6677129248330971, 4.517840737405223, -1.3572207687876556, 2.440657819531779,
    -3.9929697238700754, -3.7516875287515745, 1.694395167671189, 3.2649418487436037, 3.009118438805885,
    -0.4366089903464996, -2.631399243424653, -2.1924667744864763, 3.4388726630311908, 2.1949704313144736,
    -0.4389313992280677, -1.6313394491750586, 2.9954107019853637, 4.563751346832802, 3.3079884837806617,
    3.6743842885514226, 5.045609402249255, -1.3954069315091147, -4.153947836261608, 3.7285046113253486,
    3.3062033348770967, -1.3255526737802086, -0.8937758614702602, -1.2622580220810278, 3.3665781298247737,
    6.934857512966914, 2.054848541348804, -4.9592779209029345, -1.2740599207571393, 3.3668761357485835,
    2.9348593200822393, 0.30334005178650614, -6.889127437394336, -2.389640354589716, 1.2536188136339206,
])  # fmt: skip
ARIMA = np.array([
    0.08799985054654541, -2.170498066518184, 3.86094675649733, -2.452153314909825, 0.2592086701512429,
    1.5124839493733482, -3.44250093856867, 5.1086754846070805, -0.9854854068581845, -0.43317444321960874,
    1.577292476208893, 5.87022754211196, -3.288372399919987, 6.476474434496059, 5.392983957572972,
    0.060206178214510624, 0.16384416540260627, -0.28912362942632114, -4.099917689820211, 0.8052758588296064,
    -0.12249772839780194, 2.714760278678032, -8.727618794417594, -2.510543583932203, 7.473667125296619,
    4.722247259786235, 0.3149984437910964, -2.368569696936843, -2.7062174332909303, -0.2768712899906518,
    -2.9033496595169765, -1.222131473611114, 1.5446031356785284, 1.1392908705215632, -2.5988065978657744,
    -0.3333259835189324, 2.1263226953134904, 4.8824135327595855, -1.4684323383688138, 0.5199221190907792,
    -0.2243968570642494, 6.817190113102981, 0.2139050925000845, 2.034188576670232, -3.2721689631035815,
    0.76871062626563, -0.0544071211900814, -0.621779817004608, 2.326804915650456, -1.5237110505208875,
    -2.849519712128483, 3.4488237748754784, 0.18731240220827772, -1.3992025810137818, -4.264584875609245,
    1.493328159862557, -7.183383236751723, -4.371059515916329, 0.4026745791715314, -3.057508364848175,
    -0.889226410684131, -1.679242468111596, 4.08561074764593, -3.846628260353995, 3.972899928660908,
    -6.088139869718702, -1.1985948081888438, 1.1826083373247513, 1.979929824589803, 1.9593570237837241,
    -0.98095792538372, -1.7851644996477631, -1.4113489016517349, 3.6929271092792817, 0.4086367169345806,
    -0.16590570719066022, -1.2135525948105936, 3.637838254858508, 3.136839239881624, 2.7986583575949737,
    3.6756528865831655, 4.913956215050732, -1.6880188523617505, -1.6165439930443029, 5.248144972125743,
    1.6889647444083664, -0.7410967123305454, 0.4872615279255115, -0.8576065608488364, 4.150002530256188,
    5.566895849801369, 0.9199266885753445, -3.6376454242012244, 1.310427575495197, 3.010492701087884,
    2.165817531431742, 0.3090233756385885, -6.06467727321612, 0.48832139508172645, 0.344844187185231,
])  # fmt: skip
NONE = np.empty(0)


# --- two forecasts

# Run in R 4.2.2 with forecast 8.20; the published output of the first is DM = 1.9078, p-value = 0.05932.
DM = {
    "h=1": (1, 2, 1.907777293076342, 0.05931785588222614),
    "h=2, bartlett": (2, 2, 2.030994959172371, 0.04493623881324828),
    "h=1, absolute errors": (1, 1, 2.903027756853227, 0.004556557023921728),
}


@pytest.mark.parametrize("h, power, statistic, p", DM.values(), ids=DM)
def test_diebold_mariano_is_that_of_r(h, power, statistic, p):
    found = statistics.diebold_mariano(ETS, ARIMA, h, power)
    assert found.statistic == pytest.approx(statistic, abs=1e-9)
    assert found.p_value == pytest.approx(p, abs=1e-9)
    assert (found.n, found.freedom) == (100, 99)


def test_diebold_mariano_is_neither_of_the_variants_that_look_alike():
    # R's default "acf" variance for h=2, and statsmodels 0.15's default of 5 lags for h=1.
    assert statistics.diebold_mariano(ETS, ARIMA, 2).statistic != pytest.approx(2.211362176057174, abs=0.05)
    assert statistics.diebold_mariano(ETS, ARIMA, 1).statistic != pytest.approx(1.8958020934434683, abs=0.005)


def test_below_zero_the_first_forecast_is_better():
    # R, alternative "greater" (the second is more accurate): 0.02965892794111307.
    found, turned = statistics.diebold_mariano(ETS, ARIMA), statistics.diebold_mariano(ARIMA, ETS)
    assert found.p_worse == pytest.approx(0.02965892794111307, abs=1e-9)
    assert found.p_better == pytest.approx(1 - 0.02965892794111307, abs=1e-9)
    assert (turned.statistic, turned.p_better) == pytest.approx((-found.statistic, found.p_worse), abs=1e-12)
    assert (found.verdict(), turned.verdict()) == ("worse than naive", "better than naive")
    assert found.verdict(size=0.01) == "no evidence"


@pytest.mark.parametrize(
    "first, second, h",
    [(NONE, NONE, 1), (ETS * 0 + 2, ETS * 0, 1), (ETS[:3], ARIMA[:3], 3), (ETS * np.nan, ARIMA, 1)],
    ids=["none", "always as much worse", "too few for the horizon", "unknown"],
)
def test_an_undefined_comparison_is_no_evidence(first, second, h):
    found = statistics.diebold_mariano(first, second, h)
    assert math.isnan(found.statistic)
    assert math.isnan(found.p_better)
    assert found.verdict() == "no evidence"


def test_the_same_errors_of_many_symbols_are_no_more_evidence():
    bar = np.repeat(np.arange(100), 5)
    many = statistics.diebold_mariano(np.repeat(ETS, 5), np.repeat(ARIMA, 5), bar=bar)
    assert many == statistics.diebold_mariano(ETS, ARIMA)
    assert statistics.mean_by_bar(np.array([1.0, 3.0, 5.0]), np.array([4, 4, 9])).tolist() == [2.0, 5.0]


def test_clark_west_is_the_mean_of_its_terms_over_their_error():
    rng = np.random.default_rng(2)
    labels = rng.normal(0, 1, 300)
    naive, model = np.full(300, 0.1), 0.2 * labels + rng.normal(0, 0.5, 300)
    f = (labels - naive) ** 2 - ((labels - model) ** 2 - (naive - model) ** 2)
    expected = f.mean() / math.sqrt(np.mean((f - f.mean()) ** 2) / 300)  # without lags
    assert statistics.clark_west(labels, naive, model).statistic == pytest.approx(expected, rel=1e-10)
    # One lag with Bartlett weight 1 / 2 (Newey and West 1987).
    e = f - f.mean()
    variance = (e @ e + 2 * 0.5 * (e[1:] @ e[:-1])) / 300
    lagged = statistics.clark_west(labels, naive, model, h=2)
    assert lagged.statistic == pytest.approx(f.mean() / math.sqrt(variance / 300), rel=1e-10)
    assert lagged.verdict() == "better than naive"


def test_a_noisy_model_with_some_skill_is_seen_by_clark_west_and_not_by_diebold_mariano():
    rng = np.random.default_rng(4)
    signal = rng.normal(0, 0.1, 2000)
    labels, model = signal + rng.normal(0, 1, 2000), signal + rng.normal(0, 0.3, 2000)
    assert statistics.clark_west(labels, np.zeros(2000), model).verdict() == "better than naive"
    assert statistics.diebold_mariano(labels - model, labels).verdict() != "better than naive"


def test_the_covariance_is_that_of_forecasts_and_what_the_naive_one_missed():
    rng = np.random.default_rng(3)
    y, naive, model = rng.normal(size=(3, 400))
    model += 0.2 * (y - naive)
    f = (y - naive - (y - naive).mean()) * (model - model.mean())
    found = statistics.forecast_covariance(y, naive, model)
    assert found.statistic == pytest.approx(f.mean() / (f.std() / math.sqrt(400)), rel=1e-10)
    assert found.verdict() == "better than naive"
    moved = statistics.forecast_covariance(y + 5, naive, 3 * model - 2)  # neither level nor scale counts
    assert moved.statistic == pytest.approx(found.statistic, rel=1e-9)
    assert math.isnan(statistics.forecast_covariance(y, naive, np.full(400, 0.3)).statistic)
    assert math.isnan(statistics.forecast_covariance(NONE, NONE, NONE).statistic)


def test_clark_west_of_the_naive_forecast_itself_is_undefined():
    assert statistics.clark_west(ETS, ARIMA, ARIMA).verdict() == "no evidence"
    assert math.isnan(statistics.clark_west(NONE, NONE, NONE).statistic)
    many = statistics.clark_west(*(np.repeat(x, 3) for x in (ETS, 0 * ETS, ARIMA)), bar=np.repeat(np.arange(100), 3))
    assert many.statistic == pytest.approx(statistics.clark_west(ETS, 0 * ETS, ARIMA).statistic, rel=1e-9)


# --- many models against a benchmark


def losses(n=500, k=6, best=0.0, seed=0):
    """Losses of models that do not beat cash, but for the first."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.01, (n, k)) * np.linspace(0.5, 4, k)
    noise[1:] += 0.2 * noise[:-1]
    noise[:, 0] -= best
    return np.zeros(n), noise


@pytest.fixture
def arch_draws(monkeypatch):
    """Let arch draw what we do."""
    from arch.bootstrap import StationaryBootstrap

    def alike(*asked):
        drawn = iter(np.concatenate(list(positions(*asked))) % asked[0])
        monkeypatch.setattr(StationaryBootstrap, "update_indices", lambda _: next(drawn))

    return alike


@pytest.mark.parametrize("block", [1.0, 5.0, 12.5])
@pytest.mark.parametrize("best", [0.0, 0.0007])
def test_superior_predictive_ability_is_that_of_arch_with_columns_divided_beforehand(block, best, arch_draws):
    from arch.bootstrap import SPA

    arch_draws(500, block, 400, 3)
    benchmark, models = losses(best=best)
    found = statistics.spa(benchmark, models, seed=3, draws=400, block=block)
    deviation = _long_run_deviation(benchmark[:, None] - models, block)
    oracle = SPA(benchmark, models / deviation, block_size=block, reps=400, seed=3)
    oracle.compute()
    ours = [found.p_lower, found.p_value, found.p_upper]
    assert ours == pytest.approx((1 + 400 * oracle.pvalues.to_numpy()) / 401, abs=1e-12)
    # What arch computes to recentre, but never divides by.
    assert oracle._loss_diff_var == pytest.approx(np.ones(6), rel=1e-9)


def test_a_good_but_quiet_strategy_is_not_hidden_by_noisy_ones():
    # arch 8.0.0 gives the same p-value with studentize True and False.
    from arch.bootstrap import SPA

    benchmark, models = losses(n=1000, best=0.0005)
    models[:, 1:] *= 5
    found = statistics.spa(benchmark, models, seed=3, draws=1000, block=3)
    plain = SPA(benchmark, models, block_size=3, reps=1000, studentize=True, seed=3)
    plain.compute()
    assert found.p_value < 0.05 < 0.3 < plain.pvalues["consistent"]


@pytest.mark.parametrize("seed", range(4))
def test_the_step_down_names_the_models_that_arch_names(seed, arch_draws):
    from arch.bootstrap import StepM

    arch_draws(500, 4.0, 999, 1)
    benchmark, models = losses(k=5, seed=seed)
    models -= np.array([0.002, 0.001, 0.003, 0.0, -0.002])
    found = statistics.spa(benchmark, models, seed=1, draws=999, block=4)
    scaled = models / _long_run_deviation(benchmark[:, None] - models, 4)
    oracle = StepM(benchmark, scaled, size=0.05, block_size=4, reps=999, seed=1)
    oracle.compute()
    assert found.superior(0.05) == tuple(oracle.superior_models)
    assert 0 < len(found.superior(0.05)) < 5


def test_all_models_can_be_superior():
    # arch 8.0.0 raises ValueError where the last one is named in a later round (bashtage/arch#862).
    benchmark, models = losses(n=1000, k=3)
    found = statistics.spa(benchmark, models - np.array([0.1, 0.05, 0.005]), draws=500)
    assert found.superior() == (0, 1, 2)
    assert found.p_value == pytest.approx(1 / 501)


def test_the_p_value_is_that_of_the_best_model_and_never_zero():
    benchmark, models = losses(best=0.001)
    found = statistics.spa(benchmark, models, draws=300)
    assert found.p_value == min(found.p_models)
    assert 0 < found.p_lower <= found.p_value <= found.p_upper <= 1
    assert (found.n, found.draws, found.seed) == (500, 300, 0)
    assert found.block == statistics.block_length(benchmark[:, None] - models)
    assert found == statistics.spa(benchmark, models, draws=300)
    assert found != statistics.spa(benchmark, models, draws=300, seed=1)


def test_more_candidates_need_more_evidence():
    benchmark, models = losses(n=800, k=40, best=0.0005)
    alone = statistics.spa(benchmark, models[:, :1], draws=500, block=3).p_value
    assert alone < statistics.spa(benchmark, models, draws=500, block=3).p_value


def test_doubling_a_strategy_changes_nothing_against_cash():
    benchmark, models = losses(best=0.0005)
    one = statistics.spa(benchmark, models, draws=300, block=3)
    scaled = statistics.spa(benchmark, models * np.array([2, 1, 1, 1, 1, 1]), draws=300, block=3)
    assert scaled.p_value == one.p_value


def test_what_never_traded_is_left_out():
    benchmark, models = losses(best=0.001)
    found = statistics.spa(benchmark, np.column_stack([np.zeros(500), models]), draws=300, block=3)
    without = statistics.spa(benchmark, models, draws=300, block=3)
    assert (found.p_value, found.p_models[1:]) == (without.p_value, without.p_models)
    assert math.isnan(found.p_models[0])
    assert found.superior() == tuple(i + 1 for i in without.superior())


@pytest.mark.parametrize(
    "models",
    [np.zeros((500, 2)), np.empty((500, 0)), np.full((500, 1), np.nan), np.zeros((0, 2)), np.ones((19, 1))],
    ids=["never traded", "no model", "unknown", "no bar", "too short"],
)
def test_without_anything_to_test_there_is_no_p_value(models):
    found = statistics.spa(np.zeros(len(models)), models, draws=50)
    assert math.isnan(found.p_value)
    assert len(found.p_models) == models.shape[1]
    assert found.superior() == ()


def test_a_model_that_is_worse_than_the_benchmark_is_never_superior():
    benchmark, models = losses(k=2)
    found = statistics.spa(benchmark, models + 0.01, draws=200)
    assert (found.statistic, found.p_value, found.superior()) == (0, 1, ())


def test_the_size_is_about_what_it_says():
    p = [statistics.spa(*losses(n=250, k=4, seed=s), draws=199, block=2).p_value for s in range(200)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.11


def test_the_long_run_deviation_is_that_of_resampled_means():
    _, models = losses(n=300, k=3)
    drawn = means(models, 6.0, 4000, 5)
    assert np.std(drawn, axis=0) * math.sqrt(300) == pytest.approx(_long_run_deviation(models, 6.0), rel=0.05)


# --- the model confidence set


@pytest.mark.parametrize("best", [0.0, 0.001, 0.002])
def test_the_confidence_set_is_that_of_arch(best, arch_draws):
    from arch.bootstrap import MCS

    arch_draws(500, 4.0, 300, 2)
    _, models = losses(best=best)
    found = statistics.mcs(models, seed=2, draws=300, block=4)
    oracle = MCS(models, size=0.10, reps=300, block_size=4, method="max", seed=2)
    oracle.compute()
    p = oracle.pvalues["Pvalue"].sort_index().to_numpy()
    assert found.p_models == pytest.approx((1 + 300 * p) / 301)
    assert found.included() == tuple(oracle.included)


def test_a_clearly_worse_model_is_left_out_and_the_best_never():
    _, models = losses(n=1000, k=4)
    found = statistics.mcs(models + np.array([0.0, 0.0, 0.02, 0.0]), draws=300)
    assert 2 not in found.included()
    assert max(found.p_models) == 1


def test_models_that_are_the_same_share_their_place():
    _, models = losses(k=3, best=0.001)
    twins = np.column_stack([models, models[:, 0], models[:, 2]])
    found = statistics.mcs(twins, draws=300, block=3)
    assert found.p_models[:3] == statistics.mcs(models, draws=300, block=3).p_models
    assert (found.p_models[3], found.p_models[4]) == (found.p_models[0], found.p_models[2])
    assert statistics.mcs(np.column_stack([models[:, 0]] * 3)).included() == (0, 1, 2)


def test_what_never_traded_can_be_in_the_set():
    benchmark, models = losses(n=1000, k=2)
    found = statistics.mcs(np.column_stack([benchmark, models + 0.02]), draws=300)
    assert found.included() == (0,)


@pytest.mark.parametrize("models", [np.zeros((19, 2)), np.empty((50, 0)), np.full((50, 2), np.nan)],
                         ids=["too short", "no model", "unknown"])  # fmt: skip
def test_an_undefined_confidence_set_includes_nothing(models):
    found = statistics.mcs(models)
    assert found.included() == ()
    assert all(math.isnan(p) for p in found.p_models)
