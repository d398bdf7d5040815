"""Options of the commands about one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Architecture = Annotated[
    str | None, typer.Option("--architecture", "--model-name", help="The model: a name of `quorate plugins`.")
]
Trained = Annotated[
    str | None,
    typer.Option("--architecture", "--model-name", "--model", help="The model: a name of `quorate plugins`."),
]
Target = Annotated[str | None, typer.Option(help="What is forecast: SYMBOL_close or SYMBOL_open, e.g. btc_close.")]
Asset = Annotated[str | None, typer.Option("--asset-id", help="The symbol whose close is forecast.")]
Covariates = Annotated[
    str | None, typer.Option(help="Groups of features, or features, beside the price's own: volume,volatility.")
]
Data = Annotated[str | None, typer.Option(help="Bars: a file or folder, or the name of a source.")]
Config = Annotated[Path | None, typer.Option(help="A JSON or YAML file with what is not said here.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs of a model that has them.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Of the model (default: 42).")]
TrainStart = Annotated[str | None, typer.Option(metavar="DAY", help="First day of training (default: of the bars).")]
TrainEnd = Annotated[
    str | None, typer.Option(metavar="DAY", help="Last day of training (train: default: of the bars).")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output-dir",
        "--save-dir",
        "--save_dir",
        help="The folder that is written into (default: ., models/NAME, results).",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        "--training-preset",
        help="fast, balanced (default of `train model`), quality, ...: quorate training-preset list.",
    ),
]
ShowRecipe = Annotated[bool, typer.Option("--show-recipe", help="Print the recipe that this stands for, and stop.")]
Rows = Annotated[int | None, typer.Option("--batch-size", "--batch_size", min=1, help="Rows of a step.")]
Tokens = Annotated[
    int | None,
    typer.Option(
        "--batch-tokens", "--batch_tokens", min=1, help="Bars of a step, over all its rows, in place of --batch-size."
    ),
]
Rate = Annotated[float | None, typer.Option("--lr", "--learning-rate", help="How far a step goes.")]
Decay = Annotated[float | None, typer.Option("--weight-decay", "--weight_decay", min=0, help="What a step takes off.")]
Patience = Annotated[int | None, typer.Option(min=0, help="Epochs without progress, after which training ends.")]
Hidden = Annotated[int | None, typer.Option("--hidden", "--hidden_dim", min=1, help="States of a network's layer.")]
Layers = Annotated[int | None, typer.Option(min=1, help="Layers of a network.")]
Dropout = Annotated[float | None, typer.Option(min=0, max=1, help="Share of the states that is dropped.")]
Npz = Annotated[
    Path | None,
    typer.Option(
        "--npz",
        "--npz_path",
        help="Windows in place of bars: X_train (N, T, F), y_train (N), X_test, y_test. Classes 0 and 1: "
        "lstm-classifier; numbers: mean-pool-regressor (quorate training-preset show).",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that train a network, each on its part of every batch (default: 1)."),
]
Checkpoints = Annotated[
    int | None,
    typer.Option(min=1, help="Keep the latest and so many of the best states of the training in OUTPUT/checkpoints."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped, from its checkpoints.")]
Database = Annotated[
    str | None,
    typer.Option("--db-url", help="A database of bars, postgresql://...; --set data.table=NAME says which table."),
]
Steps = Annotated[
    str | None,
    typer.Option(
        "--steps", "--prediction-length", help="Bars ahead that are learnt at once: 1,5,30, or 30 for 1 to 30."
    ),
]
