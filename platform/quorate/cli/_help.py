"""What ``--help`` says beside what each command tells of itself: commands by what one wants, and examples."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperGroup

# A command that is not there yet is left out, one that is in no group stands at the end.
GROUPS = {
    "Run": (
        "init",
        "data",
        "recipe",
        "run",
        "resume",
        "sweep",
        "predict",
        "export-model",
        "tune",
        "train",
        "evaluate",
        "training-preset",
    ),
    "Judge": ("plan", "gate", "audit", "audition", "promote", "reproduce", "bundle", "verify", "ledger", "override"),
    "Serve": ("registry", "serve", "orders", "replay", "monitor", "update", "schedule", "portfolio", "mcp"),
    "Look": (
        "ui",
        "watch",
        "report",
        "runs",
        "compare",
        "trades",
        "sql",
        "export",
        "explain",
        "timeline",
        "explain-term",
    ),
    "Extend": ("plugins", "new", "check"),
    "Operate": (
        "doctor",
        "cluster",
        "submit",
        "alerts",
        "mlflow",
        "cache",
        "prune",
        "home",
        "backup",
        "restore",
        "licences",
        "completion",
        "bench-training",
        "dev",
    ),
}

# By command; every line is tried by a test.
EXAMPLES = {
    "init": ["quorate init bars.csv"],
    "": ["quorate run planted", "quorate report", "quorate COMMAND --help"],
    "run": ["quorate run nasdaq --dry-run", "quorate run nasdaq --set costs.fees=0.001"],
    "resume": ["quorate resume"],
    "sweep": ["quorate sweep nasdaq --trials 20", "quorate sweep show", "quorate run nasdaq --params latest"],
    "sweep start": ["quorate sweep nasdaq --trials 20 --model lightgbm"],
    "sweep resume": ["quorate sweep resume"],
    "sweep show": ["quorate sweep show latest", "quorate sweep show 3f1a 77b2 latest"],
    "sweep validate": ["quorate sweep validate latest"],
    "sweep list": ["quorate sweep list"],
    "predict": [
        "quorate predict latest --data bars/",
        "quorate predict latest --kept",
        "quorate predict --version nasdaq --record",
    ],
    "export-model": ["quorate export-model latest --model logistic --onnx logistic.onnx"],
    "tune": ["quorate tune --architecture ridge --target btc_close --data btc.csv --train-end 2023-12-31"],
    "train": ["quorate train --params best_params.json --output-dir models/btc"],
    "evaluate": ["quorate evaluate --model models/btc --test-start 2024-07-01 --test-end 2024-12-31"],
    "training-preset": ["quorate training-preset list", "quorate training-preset show fast"],
    "training-preset compare": ["quorate training-preset compare nasdaq --epochs 5"],
    "bench-training": ["quorate bench-training --workers 1,2 --batch-size 64"],
    "dev": ["quorate dev quality"],
    "dev quality": ["quorate dev quality --epochs 2"],
    "training-preset list": ["quorate training-preset list"],
    "training-preset show": ["quorate training-preset show fast"],
    "data": ["quorate data check bars.csv", "quorate data add bars/ --to us"],
    "data add": ["quorate data add bars/ --to us", "quorate data add --source yfinance --set 'symbols=[\"SPY\"]'"],
    "data list": ["quorate data list"],
    "data show": ["quorate data show us --symbol SPY", "quorate data show us --imports"],
    "data update": ["quorate data update us"],
    "data action": [
        "quorate data action us SPY split 2022-06-06 20",
        "quorate data action us FB rename 2022-06-09 META",
    ],
    "data remove": ["quorate data remove us --symbol SPY"],
    "data summary": ["quorate data summary us --test-rows 30"],
    "data export": [
        "quorate data export us --out files/ --format csv",
        "quorate data export us --out d/ --layout splits",
    ],
    "data check": [
        "quorate data check bars/ --set calendar=24x7",
        "quorate data check bars/ --set checks.outliers=quarantine --quarantine",
        "quorate data check --run latest",
    ],
    "recipe": ["quorate recipe list", "quorate recipe show nasdaq --explain"],
    "recipe list": ["quorate recipe list"],
    "recipe show": ["quorate recipe show nasdaq --explain"],
    "plan": ["quorate plan nasdaq", "quorate plan nasdaq --set costs.fees=0.0002"],
    "gate": ["quorate gate latest"],
    "audit": ["quorate audit nasdaq"],
    "audition": [
        "quorate audition my_model.py --recipe nasdaq",
        "quorate audition random-forest --params n_estimators=200",
    ],
    "promote": ["quorate promote latest"],
    "reproduce": ["quorate reproduce latest"],
    "bundle": ["quorate bundle latest --bars --out run.quorate.zip"],
    "verify": ["quorate verify run.quorate.zip --spot 20"],
    "replay": ["quorate replay latest"],
    "monitor": ["quorate monitor", "quorate monitor nasdaq --data bars/ --dry-run"],
    "orders": [
        "quorate orders latest --capital 100000 --lots 10 --band 0.01 --csv orders.csv",
        "quorate orders --version nasdaq --account account.json --data bars/",
        "quorate orders --book fills.csv --account account.json --ordered orders.csv --out after.json",
    ],
    "mcp": ["quorate mcp --allow run --allow audit"],
    "portfolio": ["quorate portfolio nasdaq spy@2 --weights risk-parity --risk-budget 0.10"],
    "serve": ["quorate serve", "quorate serve nasdaq@champion nasdaq@4 --port 8000 --token-file token.txt"],
    "registry": ["quorate registry", "quorate registry show nasdaq@latest"],
    "registry list": ["quorate registry list nasdaq --as-of 2026-11-30"],
    "registry show": ["quorate registry show nasdaq@latest"],
    "registry add": ["quorate registry add latest"],
    "registry stage": ["quorate registry stage nasdaq@2 champion"],
    "registry rollback": ["quorate registry rollback nasdaq"],
    "registry diff": ["quorate registry diff nasdaq@1 nasdaq@2"],
    "registry check": ["quorate registry check nasdaq"],
    "update": ["quorate update nasdaq@champion", "quorate update nasdaq --data bars/ --promote"],
    "schedule": ["quorate schedule", "quorate schedule show weekly-full nasdaq"],
    "schedule show": [
        "quorate schedule show weekly-full nasdaq",
        "quorate schedule show daily-quick nasdaq --only ridge --at 'Mon-Fri 22:30' --cron",
    ],
    "schedule install": ["quorate schedule install weekly-full nasdaq --promote --yes"],
    "schedule remove": ["quorate schedule remove weekly-full nasdaq --yes"],
    "schedule run": ["quorate schedule run daily-quick nasdaq"],
    "alerts": ["quorate alerts --last 5", "quorate alerts test my_recipe.toml"],
    "mlflow": ["quorate mlflow status", "quorate mlflow sync latest"],
    "mlflow status": ["quorate mlflow status"],
    "mlflow sync": ["quorate mlflow sync", "quorate mlflow sync latest"],
    "alerts test": ["quorate alerts test my_recipe.toml"],
    "ledger": ["quorate ledger --last 10", "quorate ledger verify"],
    "ledger verify": ["quorate ledger verify"],
    "override": ['quorate override latest --reason "paper trading only, until June"'],
    "report": ["quorate report latest --section months,members", "quorate report latest --html report.html"],
    "ui": ["quorate ui", "quorate ui latest"],
    "runs": ["quorate runs --recipe nasdaq --sort sharpe", 'quorate runs tag latest --add costs --note "fees doubled"'],
    "runs tag": ['quorate runs tag latest --add costs --note "fees doubled"'],
    "compare": ["quorate compare 3f1a latest"],
    "trades": ["quorate trades latest --csv trades.csv"],
    "sql": [
        'quorate sql "select run, verdict, sharpe from runs order by sharpe desc"',
        "quorate sql --tables",
        'quorate sql "from gates" --csv gates.csv',
    ],
    "export": ["quorate export latest --to tables --format csv"],
    "explain": ["quorate explain latest --by group"],
    "watch": ["quorate watch --wait", "quorate watch latest --once"],
    "timeline": ["quorate timeline latest --chrome trace.json"],
    "explain-term": ["quorate explain-term Sharpe"],
    "plugins": ["quorate plugins --kind model", "quorate plugins show lightgbm"],
    "plugins show": ["quorate plugins show lightgbm", "quorate plugins show grid --kind sampler"],
    "new": ["quorate new model my-model"],
    "check": ["quorate check my_model.py"],
    "doctor": ["quorate doctor", "quorate doctor nasdaq --json"],
    "licences": ["quorate licences"],
    "cluster": ["quorate cluster up --nodes 2", "quorate cluster status", "quorate cluster down"],
    "cluster up": ["quorate cluster up --nodes 2 --cpus-per-node 2"],
    "cluster status": ["quorate cluster status"],
    "cluster down": ["quorate cluster down"],
    "submit": ["quorate submit nasdaq --address http://127.0.0.1:8265"],
    "cache": ["quorate cache list", "quorate cache prune --older-than 30d"],
    "cache list": ["quorate cache list"],
    "cache verify": ["quorate cache verify"],
    "cache prune": ["quorate cache prune --older-than 30d --max-size 2GB"],
    "prune": ["quorate prune --dry-run --budget 20GB", "quorate prune --older-than 90d"],
    "home": ["quorate home upgrade --dry-run", "quorate home share quants"],
    "home upgrade": ["quorate home upgrade --dry-run"],
    "home share": ["quorate home share quants"],
    "backup": ["quorate backup s3://bucket/quorate", "quorate backup /mnt/backups/quorate"],
    "restore": ["quorate restore s3://bucket/quorate --home .quorate-restored"],
    "completion": ["source <(quorate completion bash)"],
}

_END = re.compile(r"[.;:](?:\s|$)")


class Root(TyperGroup):
    """All commands: listed by what one wants, each with examples."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _exemplify(self, "")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands in their groups, with the first part of what each says of itself."""
        left = [name for name in self.commands if not any(name in names for names in GROUPS.values())]
        column = max(map(len, self.commands))
        for title, names in {**GROUPS, "Further": tuple(left)}.items():
            rows = [(name.ljust(column), brief(self.commands[name])) for name in names if name in self.commands]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def brief(command: Any) -> str:
    """Return the first part of what a command says of itself."""
    return _END.split(command.help or "", maxsplit=1)[0].strip()


def _exemplify(command: Any, name: str) -> None:
    """Put the examples of a command, and of those below it, at the end of its help."""
    if lines := EXAMPLES.get(name):
        command.epilog = "\b\n" + "\n".join(["Examples:" if len(lines) > 1 else "Example:", *(f"  {x}" for x in lines)])
    for below, one in getattr(command, "commands", {}).items():
        _exemplify(one, f"{name} {below}".strip())
