"""For an ML engineer: tune, run, keep artefacts, predict, and prove that it can be computed again; for a CI job.

``python examples/09_ml_engineer.py FOLDER`` exits 0 if the ensemble passes, 10 or 11 if it does not (as ``quorate
gate`` does), and 1 if a number of it cannot be reproduced. Everything lies in FOLDER: the artefacts, and the home with
all fits, so that nothing is fitted twice.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import quorate

EXIT = {"PASS": 0, "FAIL": 10, "INSUFFICIENT": 11}
RECIPE = {
    "name": "service",
    "data": {"source": "simulated", "n_bars": 1200, "signal": 0.4},
    "holdout": {"bars": 300},
    "features": {"use": ["return_*", "zscore_20", "volatility_20"]},
    "folds": {"initial": 500, "test": 100},
    "models": {"logistic": {}, "ridge": {}},
    "tuning": {"models": ["logistic"], "trials": 5, "folds": 3},
    "execution": {"executor": "serial"},
}


def main(folder):
    home, artefacts = folder / "home", folder / "artefacts"
    artefacts.mkdir(parents=True, exist_ok=True)

    # Trials see only what lies before the first fold; without evidence that tuning helps, what is kept is the default.
    sweep = quorate.sweep(RECIPE, home=home)
    models = {name: {**own, **sweep.best_params.get(name, {})} for name, own in RECIPE["models"].items()}

    report = quorate.promote(quorate.run({**RECIPE, "models": models}, home=home).run_id, home=home)
    (artefacts / "report.html").write_text(report.to_html(), encoding="utf-8")
    report.gates.to_csv(artefacts / "gates.csv", index=False)
    weights = quorate.predict(report.run_id, home=home)
    (artefacts / "weights.json").write_text(json.dumps(asdict(weights), indent=1), encoding="utf-8")

    again = quorate.reproduce(report.run_id, home=home)
    print(f"{report.run_id}: {report.verdict}, digest {report.digest[:16]}, reproduced: {again.identical}")
    print(f"artefacts: {', '.join(sorted(path.name for path in artefacts.iterdir()))}")
    return EXIT[report.verdict] if again.identical else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())))
