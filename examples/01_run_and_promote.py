"""Run a recipe, look at the result as tables, open the holdout."""

import quorate

report = quorate.run("planted", overrides=["models.gradient-boosting=false"])
print(f"{report.run_id}: development {report.verdict}")
print(report.metrics[["name", "strategy", "sharpe", "max-drawdown", "win-rate"]].to_string(index=False))
print(report.gates[["gate", "verdict", "value", "threshold", "uncertainty"]].to_string(index=False))

promoted = quorate.promote(report.run_id)
print(f"holdout {promoted.results['holdout']['verdict']}, promoted: {promoted.promoted}")
