"""What a recipe says of alerts: whose they are, what is wrong with them, and that no digest knows of them."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.plugins.specs.alerting import EVENTS
from quorate.recipe.digest import recipe_digest, used_plugins
from quorate.recipe.explained import explain
from quorate.recipe.load import merge, validate
from quorate.recipe.resolve import resolve, to_plain, to_toml
from quorate.recipe.schema import Recipe
from quorate.runs.audit.pipeline import options_of

REGISTRY = Registry.load(environment=False)
USUAL = ["promotion-failed", "run-failed", "stalled", "withdrawn"]


def resolved(alerts: dict[str, Any] | None) -> Recipe:
    table = {"models": {"logistic": {}}, **({} if alerts is None else {"alerts": alerts})}
    return resolve(validate(table, "given", REGISTRY), REGISTRY)[0]


BARE = resolved(None)


def test_all_options_are_written_out_and_variables_stay_names(monkeypatch):
    monkeypatch.delenv("ALERT_URL", raising=False)
    recipe = resolved({"webhook": {"url": "${ALERT_URL}"}, "night": {"plugin": "file", "on": ["stalled"]}})
    assert to_plain(recipe)["alerts"] == {
        "stalled_minutes": 0.0,
        "webhook": {"on": USUAL, "url": "${ALERT_URL}", "timeout": 10.0, "retries": 3, "allow_insecure": False},
        "night": {"on": ["stalled"], "plugin": "file", "path": "alerts.txt"},
    }
    again = validate(tomllib.loads(to_toml(recipe, REGISTRY)), "again", REGISTRY)
    assert resolve(again, REGISTRY)[0].alerts == recipe.alerts
    assert "# Where it is sent" in explain(recipe, REGISTRY, 100)


def test_a_recipe_without_alerts_is_what_it_was():
    assert "alerts" not in to_plain(BARE)
    assert "alerts" not in to_toml(BARE, REGISTRY)


ALERT = st.fixed_dictionaries(
    {"plugin": st.sampled_from(["file", "log"]), "on": st.lists(st.sampled_from(EVENTS), unique=True)}
)
NAMES = st.text(alphabet="abcxyz-", min_size=1, max_size=8)


@given(st.dictionaries(NAMES, ALERT, max_size=3), st.floats(0, 1e6))
def test_no_digest_knows_of_alerts(alerts, minutes):
    recipe = resolved({"stalled_minutes": minutes, **alerts})
    assert recipe_digest(recipe, REGISTRY) == recipe_digest(BARE, REGISTRY)
    assert options_of(recipe) == options_of(BARE)
    assert used_plugins(recipe, REGISTRY) == used_plugins(BARE, REGISTRY)
    named = {p["name"] for p in used_plugins(recipe, REGISTRY, alerts=True) if p["kind"] == "alert"}
    assert named == {one["plugin"] for one in alerts.values()}


@pytest.mark.parametrize(
    "alerts, says",
    [
        ({"webhok": {}}, "alerts.webhok: unknown alert 'webhok'.*did you mean 'webhook'"),
        ({"webhook": {}}, "alerts.webhook: alert 'webhook' needs the option 'url': set alerts.webhook.url"),
        ({"file": {"pth": "a.txt"}}, "alerts.file: alert 'file' has no option 'pth'.*did you mean 'path'"),
        ({"file": {"path": 3}}, "alerts.file.path must be a valid string; it was 3"),
        ({"file": {"on": ["promotion-faild"]}}, "'promotion-failed', 'promoted'.*it was 'promotion-faild'"),
        ({"file": {"on": "stalled"}}, r"alerts.file.on: .*list; it was 'stalled'"),
        ({"file": True}, "alerts.file: must be a table or false; it was True"),
        ({"stalled_minutes": -1.0}, "alerts.stalled_minutes: must be greater than or equal to 0"),
        ({"email": {"to": "a@b.c", "server": "s", "password": "hunter2"}}, "alerts.email.password holds what looks"),
        ({"webhook": {"url": "https://hooks.example.com/services/T0AB/Xy12zzQw34Rt56Yu78"}}, "url holds what looks"),
        ({"webhook": {"url": "https://me:word@example.com/"}}, "alerts.webhook.url holds what looks like a secret"),
        ({"webhook": {"url": "https://example.com/?token=abc"}}, "alerts.webhook.url holds what looks like a secret"),
    ],
)
def test_what_cannot_be_is_said_without_telling_secrets(alerts, says):
    with pytest.raises(RecipeError, match=f"(?s){says}") as told:
        resolved(alerts)
    for secret in ("hunter2", "Xy12", "me:word", "token=abc"):
        assert secret not in str(told.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/in", "https://alerts.example.com/teams/quant", "https://h/${T}"]
)
def test_a_plain_address_is_no_secret(url):
    assert to_plain(resolved({"webhook": {"url": url}}))["alerts"]["webhook"]["url"] == url


def test_what_an_alert_is_called_makes_no_secret_of_it():
    recipe = resolved({"token": {"plugin": "file", "path": "a.txt"}, "stalled_minutes": 30})
    assert to_plain(recipe)["alerts"]["token"] == {"on": USUAL, "plugin": "file", "path": "a.txt"}
    assert validate(to_plain(recipe), "again", REGISTRY).alerts == recipe.alerts


def test_what_a_recipe_extends_can_be_taken_away():
    base = {"alerts": {"file": {"path": "a.txt"}, "log": {}}}
    table = merge(base, {"alerts": {"file": False, "log": {"on": ["promoted"]}}}, "own")
    told = resolved(table["alerts"]).alerts.told
    assert list(told) == ["log"]
    assert told["log"].on == ["promoted"]


def test_variables_are_filled_in_nowhere_else():
    with pytest.raises(RecipeError, match=r"\[data\], .*\[alerts\] and tuning.storage alone"):
        validate({"description": "${ALERT_URL}"}, "given", REGISTRY)
