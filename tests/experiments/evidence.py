"""Whom the gates let through: noise, a planted signal of known strength, and clean pipelines under audit.

    python tests/experiments/evidence.py noise|power|clean|sizes|tables [--out FOLDER] [--count N]

Each experiment is independent and kept in a file as soon as it is done, so that a stopped study goes on where
it was. ``tables`` writes docs/studies.md from what there is, and leaves what is not there as it is.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import page
import sizes

import quorate
from quorate import audit

ROOT = Path(__file__).parents[2]
HEADLINE = ("sharpe", "max-drawdown", "win-rate")
ORACLE = Path(__file__).with_name("oracle.py")

NOISE: dict[str, Any] = {
    "name": "study-noise",
    "data": {"source": "simulated", "n_bars": 1260, "signal": 0.0},
    "holdout": {"bars": 252},
    "features": {"use": ["return_1", "return_2", "return_5", "zscore_20", "rsi_5", "volatility_5"]},
    "folds": {"initial": 400, "test": 150},
    "models": {
        **{f"logistic-{k}": {"plugin": "logistic", "C": c} for k, c in enumerate((0.001, 0.1, 10.0))},
        **{f"ridge-{k}": {"plugin": "ridge", "alpha": a} for k, a in enumerate((1.0, 100.0, 3000.0))},
        **{f"lightgbm-{k}": {"plugin": "lightgbm", "n_estimators": n} for k, n in enumerate((10, 20, 40))},
        "forest": {"plugin": "random-forest", "n_estimators": 20},
    },
    "threshold": {"min_bars": 100},
}
ONE_YEAR: dict[str, Any] = {
    **NOISE,
    "name": "study-noise-one-year",
    "holdout": {"bars": 0},
    "folds": {"initial": 1007, "test": 252},
    "ensemble": {"compare": []},
    "strategy": {"compare": []},
    "gates": {"preset": "headline"},
}
POWER: dict[str, Any] = {
    "name": "study-power",
    "data": {"source": "simulated", "n_bars": 2520},
    "holdout": {"bars": 504},
    "features": {"use": ["return_1", "return_2", "return_5", "zscore_20", "rsi_5", "sma_ratio_5", "sma_ratio_10"]},
    "folds": {"initial": 750, "test": 250},
    "models": {"logistic": {}, "ridge": {}, "lightgbm": {"n_estimators": 40}},
    "strategy": {"name": "long-short", "compare": []},
    "threshold": {"min_bars": 100},
}
RECIPES = {"noise": NOISE, "noise, one year": ONE_YEAR, "planted signal": POWER}


def with_data(recipe: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return the recipe on another market."""
    return {**recipe, "data": {**recipe["data"], **options}}


class Study:
    """Where experiments are kept, and what they share: processes, and audits by pipeline."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.audits = folder / "audits"
        self.audits.mkdir(parents=True, exist_ok=True)

    def each(self, name: str, count: int, experiment: Callable[[int], dict[str, Any]]) -> None:
        """Do the experiments of this name that are not done yet."""
        path = self.folder / f"{name}.jsonl"
        done = {row["k"] for row in self.rows(name)}
        for k in (k for k in range(count) if k not in done):
            began = time.perf_counter()
            row = {"k": k, **experiment(k)}
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{name} {k + 1}/{count}: {time.perf_counter() - began:.1f} s {row}", flush=True)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return what was found so far."""
        path = self.folder / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def judged(
        self,
        recipes: Callable[[quorate.Report | None], Mapping[str, Any] | None],
        executor: Any,
        only: tuple[str, ...] = HEADLINE,
    ) -> list[Any]:
        """Run recipes in a home of their own, one after the other, and open the holdout of what passed these gates.

        A pipeline is audited once for all markets.
        """
        found: list[quorate.Report] = []
        with tempfile.TemporaryDirectory() as home:
            shutil.copytree(self.audits, Path(home) / "audits")
            report = None
            while (recipe := recipes(report)) is not None:
                report = quorate.run(recipe, home=home, executor=executor)
                if not only or passed(report.results["development"], only):
                    report = quorate.promote(report.run_id, home=home)
                found.append(report)
                report = found[-1]
            shutil.copytree(Path(home) / "audits", self.audits, dirs_exist_ok=True)
        return found


def passed(part: Mapping[str, Any] | None, only: tuple[str, ...] = ()) -> bool:
    """Return whether a part passed all its gates, or only these."""
    if part is None:
        return False
    gates = [g for g in part["gates"] if g["gate"] in only] if only else part["gates"]
    return all(g["verdict"] == "PASS" for g in gates if g["required"])


def promoted(report: quorate.Report, only: tuple[str, ...] = ()) -> bool:
    """Return whether walk-forward and holdout passed."""
    return all(passed(report.results[part], only) for part in ("development", "holdout"))


def noise(study: Study, k: int, executor: Any) -> dict[str, Any]:
    """Try ten models on noise, then the best series of that report by itself, as somebody in a hurry would."""
    first = with_data(NOISE, seed=10_000 + k)

    def recipes(report: quorate.Report | None) -> Mapping[str, Any] | None:
        if report is None:
            return first
        if len(report.results["development"]["series"]) < 10:
            return None
        series = [s for s in report.results["development"]["series"] if s["role"] not in ("baseline", "benchmark")]
        best = max(series, key=lambda s: s["metrics"]["sharpe"] or -9.0)
        if best["role"] == "member":
            return {**first, "models": {best["name"]: NOISE["models"][best["name"]]}, "ensemble": {"compare": []}}
        if report.provenance["recipe"]["description"] == "picked":
            return None
        picked = {"ensemble": {"method": best["name"], "compare": []}, "description": "picked"}
        return {**first, **picked, "strategy": {"name": best["strategy"], "compare": []}}

    reports = study.judged(recipes, executor)
    one_year = one_year_passes(k, executor)
    return {
        "one_year_first": one_year[0],
        "one_year_any": any(one_year),
        "headline_walk_forward": any(passed(r.results["development"], HEADLINE) for r in reports),
        "headline": any(promoted(r, HEADLINE) for r in reports),
        "standard_walk_forward": any(passed(r.results["development"]) for r in reports),
        "standard": any(r.promoted for r in reports),
        "sharpe": [r.results["development"]["series"][0]["metrics"]["sharpe"] for r in reports],
    }


def one_year_passes(k: int, executor: Any) -> list[bool]:
    """Return which of the ten models pass the three headline gates on one unseen year, each judged by itself."""
    with tempfile.TemporaryDirectory() as home:
        report = quorate.run(with_data(ONE_YEAR, seed=10_000 + k), home=home, executor=executor)
    figures = {s["name"]: s["metrics"] for s in report.results["development"]["series"] if s["role"] == "member"}
    limits = {g["gate"]: g["threshold"] for g in report.results["development"]["gates"]}

    def passes(of: Mapping[str, float | None]) -> bool:
        sharpe, drawdown, wins = (of[gate] for gate in HEADLINE)
        if sharpe is None or drawdown is None or wins is None:
            return False
        return sharpe > limits["sharpe"] and abs(drawdown) < limits["max-drawdown"] and wins > limits["win-rate"]

    return [passes(figures[name]) for name in NOISE["models"]]


def oracle_sharpe(signal: float, executor: Any, n_bars: int = 20_000, seed: int = 4_321) -> float:
    """Return the net yearly Sharpe ratio of the perfect model, traded as the recipe trades."""
    table = with_data(POWER, signal=signal, n_bars=n_bars, seed=seed)
    table |= {"models": {"oracle": {"signal": signal}}, "holdout": {"bars": 0}, "ensemble": {"compare": []},
              "folds": {"initial": 500, "test": 2500}, "gates": {"preset": "headline"}}  # fmt: skip
    with tempfile.TemporaryDirectory() as home:
        report = quorate.run(table, home=home, plugins=[ORACLE], executor=executor)
    return float(report.results["development"]["series"][0]["metrics"]["sharpe"])


def signal_for(target: float, executor: Any) -> tuple[float, float]:
    """Return the signal at which the perfect model earns the target, and what it earns there."""
    low, high = 0.05, 0.6
    for _ in range(7):
        middle = (low + high) / 2
        low, high = (middle, high) if oracle_sharpe(middle, executor) < target else (low, middle)
    return round((low + high) / 2, 4), oracle_sharpe(round((low + high) / 2, 4), executor)


def power(study: Study, signal: float, k: int, executor: Any) -> dict[str, Any]:
    """Run a recipe on one draw of a market with this signal, and open its holdout whatever the walk-forward was."""
    recipe = with_data(POWER, signal=signal, seed=20_000 + k)
    [report] = study.judged(lambda report: None if report else recipe, executor, only=())
    parts = [report.results[part] for part in ("development", "holdout")]
    missed = [g["gate"] for part in parts for g in part["gates"] if g["required"] and g["verdict"] != "PASS"]
    told = [{g["gate"]: g["inputs"] for g in part["gates"]} for part in parts]
    return {
        "promoted": report.promoted,
        "sharpe": [part["series"][0]["metrics"]["sharpe"] for part in parts],
        "missed": missed,
        "bars": [inputs["sharpe"]["n_returns"] for inputs in told],
        "bets": [inputs["sample-size"]["bets"] for inputs in told],
        "costs": [inputs["cost-stress"]["returns"] for inputs in told],
    }


def clean(k: int, home: Path, executor: Any) -> dict[str, Any]:
    """Audit a pipeline without a leak on one draw of a market."""
    small = {**POWER, "models": {"logistic": {}, "ridge": {}}, "seed": 1_000 + k}
    found = audit(with_data(small, signal=(0.0, 0.3)[k % 2], seed=30_000 + k, n_bars=1500) | {"holdout": {"bars": 0}},
                  home=home, executor=executor)  # fmt: skip
    null = next(f.figures for f in found.findings if f.detector == "null market")
    alarms = [f.detector for f in found.findings if f.state == "alarm"]
    return {"alarms": alarms, "z": null["z"], "rms": null["rms"]}


def main() -> None:
    """Do one study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["noise", "power", "clean", "sizes", "tables"])
    parser.add_argument("--out", type=Path, default=ROOT / ".quorate" / "study")
    parser.add_argument("--count", type=int)
    given = parser.parse_args()
    study = Study(given.out)
    if given.what == "tables":
        path = ROOT / "docs" / "studies.md"
        path.write_text(page.tables(study, RECIPES, path.read_text(encoding="utf-8")), encoding="utf-8")
        return
    if given.what == "sizes":
        for bars in sizes.BARS:
            study.each(f"sizes-{bars}", given.count or sizes.BATCHES, lambda k, n=bars: sizes.batch(n, k))
        return
    with quorate.executor("processes") as executor:
        if given.what == "noise":
            study.each("noise", given.count or 200, lambda k: noise(study, k, executor))
        elif given.what == "clean":
            with tempfile.TemporaryDirectory() as home:
                study.each("clean", given.count or 50, lambda k: clean(k, Path(home), executor))
        else:
            for target in reversed(page.TARGETS):
                path = given.out / f"signal-{target}.json"
                if not path.exists():
                    signal, earned = signal_for(target, executor)
                    path.write_text(json.dumps({"signal": signal, "oracle": earned}))
                signal = json.loads(path.read_text())["signal"]
                count = given.count or (50 if target == page.TARGETS[-1] else 20)
                study.each(f"power-{target}", count, lambda k, s=signal: power(study, s, k, executor))


if __name__ == "__main__":
    main()
