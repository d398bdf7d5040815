"""Auditions: one of each verdict, what is fitted for it, what is written, and what is said."""

import json
from copy import deepcopy

import numpy as np
import pytest
import tomli_w

import quorate
from quorate.errors import FitError, RecipeError
from quorate.evidence.ledger import ledger_of
from quorate.execution.progress import Progress
from quorate.report import console
from quorate.report.views.audition import render
from quorate.store import Home
from quorate.store.trust import trust
from support.command import call, message_of
from support.homes import TINY

KNOWING = """
import quorate


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("knowing", "sklearn.linear_model:LogisticRegression", params={"C": 1e4})
"""
TWIN = """
import quorate


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("twin", "quorate_plugins.models.linear:logistic")
"""
SHOUTING = '''
import numpy as np

import quorate


class Shouting:
    """Says one or the other, for sure, by the last digits of its features."""

    classes_ = np.array([0, 1])

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        p = (np.floor(np.abs(X[:, 0].astype(float)) * 1e6) % 2).astype(float)
        return np.column_stack([1 - p, p])


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("shouting", Shouting)
'''
SEVERAL = KNOWING + "    yield quorate.ModelSpec('other', 'sklearn.linear_model:LogisticRegression')\n"


class Heard(Progress):
    """Remembers which fits were handed out."""

    def __init__(self):
        self.fitted_models = []

    def began(self, tasks):
        self.fitted_models += [task.model for task in tasks]


def market(name, signal, bars=900, models=None):
    """Return a recipe whose ensemble knows next to nothing, so that there is something to add."""
    table = deepcopy(TINY)
    table |= {
        "name": name,
        "ensemble": {"method": "mean", "compare": []},
        "models": models or {"logistic": {"C": 1e-6}},
    }
    table["strategy"] = {"compare": []}
    table["data"] |= {"signal": signal, "n_bars": bars}
    return table


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home that has run the recipe already, and the plugin files."""
    folder = tmp_path_factory.mktemp("audition")
    for name, text in (("knowing", KNOWING), ("twin", TWIN), ("shouting", SHOUTING), ("several", SEVERAL)):
        (folder / f"{name}.py").write_text(text)
    quorate.run(market("mine", 0.4), home=folder / "home")
    trust(folder / "home")
    return folder


@pytest.fixture(scope="module")
def joining(place):
    heard = Heard()
    ledger = ledger_of(Home(place / "home"))
    before = len(ledger.entries())
    found = quorate.audition(
        place / "knowing.py",
        market("mine", 0.4),
        planted=None,
        noise=market("still", 0.0),
        home=place / "home",
        progress=heard,
    )
    return found, heard.fitted_models, ledger.entries()[before:]


@pytest.fixture(scope="module")
def twin(place):
    return quorate.audition(
        place / "twin.py",
        market("own", 0.4, models={"logistic": {}}),
        planted=market("planted", 0.4, 520, {"logistic": {}}),
        noise=None,
        home=place / "home",
    )


@pytest.fixture(scope="module")
def shouting(place):
    return quorate.audition(
        place / "shouting.py", planted=market("mine", 0.4), noise=market("still", 0.0), home=place / "home"
    )


@pytest.fixture(scope="module")
def early(place):
    return quorate.audition(
        place / "knowing.py",
        market("short", 0.4, 388, {"random-forest": {"n_estimators": 5}}),
        planted=None,
        noise=None,
        home=place / "home",
    )


def test_a_model_that_knows_the_signal_may_join(joining):
    found, _, _ = joining
    [mine, still] = found.document["markets"]
    assert found.verdict == mine["verdict"] == "JOIN"
    assert (still["kind"], still["verdict"]) == ("noise", "HARMLESS")
    loss = mine["loss"]
    assert loss["member"] < loss["with"] < loss["without"]
    assert loss["high"] < 0
    assert loss["p_better"] < 0.025
    assert loss["p_knows"] < 0.05
    assert loss["change"] == pytest.approx(loss["with"] / loss["without"] - 1)
    assert mine["set"]["member"]
    assert not mine["set"]["without"]
    assert mine["trading"]["gain"] > 0
    assert mine["trading"]["break_even_bp"] > 0
    assert found.sentences[0].startswith("JOIN: on mine the loss falls by ")
    assert "On noise it does no harm beyond chance." in found.sentences


def test_only_the_new_members_fits_are_computed(joining, place):
    """Of the recipe that was run; the market of noise was never run in this home, so there both are."""
    found, fitted, _ = joining
    [mine, still] = found.document["markets"]
    folds = mine["span"]["folds"]
    assert mine["fits"]["others"] == {"computed": 0, "kept": folds}
    assert mine["fits"]["member"]["computed"] == folds
    assert mine["fits"]["member"]["cpu_seconds"] > 0
    assert still["fits"]["others"] == {"computed": folds, "kept": 0}
    assert fitted == ["knowing"] * folds + ["logistic"] * folds + ["knowing"] * folds
    heard = Heard()
    again = quorate.audition(
        place / "knowing.py", market("mine", 0.4), planted=None, noise=None, home=place / "home", progress=heard
    )
    assert heard.fitted_models == []
    told, before = again.document["markets"][0], dict(mine)
    assert told["fits"]["member"]["kept"] == folds
    assert told["fits"]["member"]["cpu_seconds"] == before["fits"]["member"]["cpu_seconds"]
    assert told["ledger"]["new"] == 0
    assert told["ledger"]["trials"] == before["ledger"]["trials"]
    assert {key: told[key] for key in ("loss", "set", "alike", "trading")} == {
        key: before[key] for key in ("loss", "set", "alike", "trading")
    }


def test_what_was_looked_at_is_a_trial_and_a_run_of_it_no_other(joining, place):
    found, _, entries = joining
    told = found.document["markets"][0]["ledger"]
    assert [(one["series"], one["role"], one["part"]) for one in entries] == [
        ("mean", "ensemble", "development"),
        ("mean without knowing", "alternative", "development"),
        ("knowing", "member", "development"),
    ]
    assert {one["run"] for one in entries} == {told["run"]}
    assert told["new"] == 2  # the run before had the ensemble without it
    assert found.document["markets"][1]["ledger"] is None  # nobody promotes noise
    assert not any(one["kind"] == "opening" for one in ledger_of(Home(place / "home")).entries())
    ran = quorate.run(market("mine", 0.4), plugins=[place / "knowing.py"], home=place / "home")
    of_run = ledger_of(Home(place / "home")).of_run(ran.run_id)
    keys = {one["series"]: one["key"] for one in of_run if one["kind"] == "candidate"}
    tried = {one["series"]: one["key"] for one in entries}
    assert (keys["mean"], keys["knowing"]) == (tried["mean"], tried["knowing"])
    assert ran.results["development"]["trials"]["n"] == told["trials"]
    assert call("ledger", "verify", "--home", place / "home").exit_code == 0


def test_the_two_ensembles_are_those_of_runs_with_and_without_it(joining, place):
    found, _, _ = joining
    [mine, _] = found.document["markets"]
    sharpes = mine["trading"]["sharpe"]
    without = quorate.run(market("mine", 0.4), home=place / "home")
    assert without.results["development"]["series"][0]["metrics"]["sharpe"] == pytest.approx(sharpes["without"])


def test_a_clone_is_redundant(twin):
    [own, planted] = twin.document["markets"]
    assert twin.verdict == own["verdict"] == planted["verdict"] == "REDUNDANT"
    assert own["alike"]["closest"] == "logistic"
    assert own["alike"]["correlation"] > 0.95
    assert "what logistic does" in twin.sentences[0] or "stays the same" in twin.sentences[0]
    assert any("not tried on noise" in sentence for sentence in twin.sentences)


def test_one_that_shouts_on_noise_is_harmful(shouting):
    still = shouting.document["markets"][1]
    assert shouting.verdict == still["verdict"] == "HARMFUL"
    assert still["loss"]["p_worse"] < 0.025
    assert "on still the loss rises by" in shouting.sentences[0]
    assert any("of a simulated market alone" in sentence for sentence in shouting.sentences)


def test_few_forecasts_are_too_early_and_it_is_said_how_many_would_do(early):
    [short] = early.document["markets"]
    assert early.verdict == "TOO EARLY"
    assert short["loss"]["bars"] < 60
    assert short["loss"]["more"] > 0
    assert f"{short['loss']['more']:,} bar" in early.sentences[0]


@pytest.mark.parametrize("width", [46, 80])
def test_it_fits_the_terminal_and_says_the_same_everywhere(joining, twin, shouting, early, width, tmp_path):
    for found in (joining[0], twin, shouting, early):
        with open(tmp_path / "out.txt", "w+") as file:
            render(found.document, console.Console(file=file, width=width, highlight=False))
            file.seek(0)
            text = file.read()
        assert max(map(len, text.splitlines())) <= width
        words = " ".join(text.split())
        assert found.verdict in words
        for market_ in found.document["markets"]:
            assert market_["recipe"] in words
            assert f"{market_['loss']['without']:.4g} without" in words
        json.dumps(found.to_dict(), allow_nan=False)
        assert found.verdict in found._repr_html_()


def test_the_command_says_it_and_takes_parameters(place, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(market("mine", 0.4)))
    home = ("--home", place / "home")
    told = call(
        "audition", place / "knowing.py", "--recipe", path, "--no-simulated", "--params", "C=0.5", "--json", *home
    )
    document = json.loads(told.stdout)
    assert told.exit_code == 0
    assert document["params"] == {"C": 0.5}
    assert [one["kind"] for one in document["markets"]] == ["recipe"]
    text = call("audition", place / "knowing.py", "--recipe", path, "--no-simulated", "--params", "C=0.5", *home)
    assert f"knowing {document['verdict']}:" in " ".join(text.stdout.split())


def test_a_member_is_held_against_the_others_of_its_recipe(place):
    both = market("both", 0.4, models={"logistic": {"C": 1e-6}, "ridge": {}})
    found = quorate.audition("ridge", both, planted=None, noise=None, home=place / "home")
    [one] = found.document["markets"]
    assert list(one["alike"]["members"]) == ["logistic"]
    assert one["loss"]["with"] < one["loss"]["without"]


def test_a_model_with_a_longer_window_is_compared_on_the_rows_that_both_have(place):
    spec = quorate.ModelSpec("long", lambda: Windowed(), input="windows", lookback=40, task="classification")
    found = quorate.audition(spec, market("mine", 0.4), planted=None, noise=None, home=place / "home")
    [one] = found.document["markets"]
    assert one["fits"]["others"]["computed"] == 0
    assert one["loss"]["bars"] > 500


class Windowed:
    classes_ = np.array([0, 1])

    def fit(self, X, y):
        self.mean = y.mean()
        return self

    def predict_proba(self, X):
        p = np.full(len(X), self.mean) + 1e-3 * np.tanh(X[:, 0, 0])
        return np.column_stack([1 - p, p])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ridg"], "did you mean 'ridge'"),
        (["majority"], "is a baseline, which has no vote"),
        (["logistic"], "has no member but 'logistic', so there is no ensemble to hold it against"),
        (["ridge", "--params", "alhpa=2"], "did you mean 'alpha'"),
        (["ridge", "--params", "alpha"], "--params takes name=value, e.g. --params alpha=0.5; it was 'alpha'"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(arguments, says, place, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(market("mine", 0.4)))
    told = call("audition", *arguments, "--recipe", path, "--no-simulated", "--home", place / "home")
    assert says in message_of(told, 2)


class Broken:
    classes_ = np.array([0, 1])

    def fit(self, X, y):
        raise ValueError("no luck")

    def predict_proba(self, X):
        return X


def test_a_member_that_cannot_be_fitted_is_named_with_a_remedy_that_works(place):
    with pytest.raises(
        FitError, match=r"model 'broken' .* failed on fold .*: ValueError: no luck\n.*quorate check"
    ) as e:
        quorate.audition(
            quorate.ModelSpec("broken", Broken), market("mine", 0.4), planted=None, noise=None, home=place / "home"
        )
    assert "on_failure" not in str(e.value)


FEATURED = """
import numpy as np

import quorate


def three(close):
    out = np.full(close.shape, np.nan)
    out[3:] = close[3:] / close[:-3] - 1
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("three", three, inputs=("close",), lookback=4)
"""


def test_features_of_its_file_are_its_own_and_the_others_keep_their_fits(place, tmp_path):
    (tmp_path / "featured.py").write_text(
        FEATURED + KNOWING.replace("import quorate\n", "").replace("knowing", "featured")
    )
    found = quorate.audition(
        tmp_path / "featured.py", market("mine", 0.4), planted=None, noise=None, home=place / "home"
    )
    [one] = found.document["markets"]
    assert one["fits"]["others"]["computed"] == 0
    assert one["fits"]["member"]["computed"] > 0


def test_numbers_of_several_symbols_are_judged_by_bar_and_two_recipes_share_the_level(place):
    panel = market("panel", 0.4, 620, {"lasso": {"alpha": 0.5}})
    panel["data"]["n_symbols"] = 3
    panel |= {"labels": {"name": "return", "horizon": 2}, "seed": 3}
    other = market("mine", 0.4)
    found = quorate.audition("ridge", [panel, other], planted=None, noise=None, home=place / "home")
    first, second = found.document["markets"]
    assert (first["loss"]["name"], second["loss"]["name"]) == ("squared error", "Brier score")
    assert 200 < first["loss"]["bars"] < 300
    assert first["loss"]["confidence"] == second["loss"]["confidence"] == 0.975


def test_ranks_are_held_against_ranks(place):
    """A forecast of ranks is as far from a return as its scale is: only beside the labels' ranks is that an error."""
    panel = market("ranked", 0.5, 620, {"lasso": {"alpha": 0.001}}) | {"labels": {"name": "return"}}
    panel["data"]["n_symbols"] = 4
    panel["ensemble"]["calibration"] = "bar-rank"
    [one] = quorate.audition("ridge", panel, planted=None, noise=None, home=place / "home").document["markets"]
    assert one["loss"]["name"] == "squared error within bars"
    # Ranks of four, -3/8 to 3/8, have a mean square of .078; forecasts of other ranks add as much at most.
    assert 0.078 < one["loss"]["with"] < 0.156


def test_a_market_that_the_model_cannot_take_is_left_out_and_said(place):
    numbers = market("numbers", 0.4, 520, {"ridge": {}}) | {"labels": {"name": "return"}}
    found = quorate.audition(
        "logistic", market("mine", 0.4, models={"ridge": {}}), planted=None, noise=numbers, home=place / "home"
    )
    assert [one["kind"] for one in found.document["markets"]] == ["recipe"]
    assert any(
        one.startswith("It was not tried on the noise market: models.logistic is a classifier")
        for one in found.sentences
    )
    own = quorate.audition(
        place / "twin.py", market("mine", 0.4, models={"ridge": {}}), planted=None, noise=numbers, home=place / "home"
    )
    assert any(one.startswith("It was not tried on the noise market: models.twin is a cl") for one in own.sentences)
    with pytest.raises(RecipeError, match=r"models\.logistic is a classifier"):
        quorate.audition("logistic", numbers, planted=None, noise=None, home=place / "home")


def test_nothing_to_judge_by_and_several_models_of_a_file_are_told(place):
    with pytest.raises(RecipeError, match="nothing to judge by: name a recipe"):
        quorate.audition("ridge", planted=None, home=place / "home")
    with pytest.raises(RecipeError, match=r"one model at a time; .* offers knowing, other: .* --plugin "):
        quorate.audition(place / "several.py", home=place / "home")
