"""``quorate train --npz``: from a file of windows to a folder with all that came of it."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from quorate import statistics
from quorate.store import tensors
from support.command import call, message_of

N, M, BARS = 200, 40, 8
FILES = {
    "best.safetensors", "config.yaml", "norm_stats.json", "metrics_valid.json", "metrics_test.json", "timing.json",
    "train.log", "training.json", "learning_curves.png",
}  # fmt: skip
PICTURES = {"confusion_matrix_valid.png", "confusion_matrix_test.png"}


def arrays(numbers=False):
    draw = np.random.default_rng(3)
    X = draw.standard_normal((N + M, BARS, 1)).astype(np.float32) * 3 + 5
    X[N:] += 2  # what is learnt of the test would be seen in the scaling
    signal = X[:, :, 0].mean(axis=1) - 5
    y = signal.astype(np.float32) if numbers else (signal > 0).astype(np.int64)
    return {"X_train": X[:N], "y_train": y[:N], "X_test": X[N:], "y_test": y[N:]}


def trained(folder, given, *more):
    np.savez(folder / "w.npz", **given)
    result = call("train", "--npz", folder / "w.npz", "--save-dir", folder / "outputs", *more, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    return found, {path.name: path for path in (folder / "outputs").glob(f"{found['folder'].split('/')[-1]}/*")}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    return trained(folder, arrays(), "--epochs", "3", "--model", "gru")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbers")
    return trained(folder, arrays(numbers=True), "--epochs", "6", "--patience", "2", "--lr", "0.01")


def test_all_artefacts_are_there(classes, numbers):
    assert set(classes[1]) == FILES | PICTURES
    assert set(numbers[1]) == FILES
    assert all(path.stat().st_size for _, files in (classes, numbers) for path in files.values())
    assert re.fullmatch(r"run_\d{8}_\d{6}", classes[0]["folder"].split("/")[-1])
    assert (classes[0]["weights"], numbers[0]["weights"]) == (12_929, 193)


def test_features_are_scaled_as_the_windows_before_those_held_back_were(classes):
    stats = json.loads(classes[1]["norm_stats.json"].read_text())
    early = arrays()["X_train"][: N - N // 10].astype(np.float64)
    np.testing.assert_allclose(stats["mu"], early.mean(axis=(0, 1)))
    np.testing.assert_allclose(stats["sd"], early.std(axis=(0, 1)))
    kept = tensors.from_bytes(classes[1]["best.safetensors"].read_bytes())
    np.testing.assert_allclose(kept["scaler.centre"], stats["mu"], rtol=1e-6)
    np.testing.assert_allclose(kept["scaler.width"], stats["sd"], rtol=1e-6)


def test_times_and_log_tell_every_epoch(numbers):
    timing = json.loads(numbers[1]["timing.json"].read_text())
    lines = [
        dict(part.split("=") for part in line.split()) for line in numbers[1]["train.log"].read_text().splitlines()
    ]
    assert [int(line["epoch"]) for line in lines] == list(range(1, timing["total_epochs"] + 1))
    losses = [float(line["val_loss"]) for line in lines]
    assert timing["best_epoch"] == int(np.argmin(losses)) + 1
    assert len(timing["epoch_times"]) == timing["total_epochs"]
    assert timing["warm_up_seconds"] == timing["epoch_times"][0]
    assert timing["total_seconds"] == pytest.approx(sum(timing["epoch_times"]))
    assert timing["samples_per_second"] == pytest.approx(180 * timing["total_epochs"] / timing["total_seconds"])


def test_what_sums_up_the_training_stands_beside_each_epoch_and_step(numbers):
    told, timing = (json.loads(numbers[1][name].read_text()) for name in ("training.json", "timing.json"))
    assert told["summary"] == numbers[0]["training"]
    summary, epochs = told["summary"], told["epochs"]
    assert [one["epoch"] for one in epochs] == list(range(1, timing["total_epochs"] + 1))
    best = min(epochs, key=lambda one: one["val_loss"])
    assert (summary["epochs"], summary["best_epoch"]) == (len(epochs), best["epoch"])
    assert (summary["train_loss"], summary["val_loss"]) == (best["train_loss"], best["val_loss"])
    assert summary["gap"] == pytest.approx(best["val_loss"] - best["train_loss"])
    assert summary["steps"] == sum(map(len, told["batches"]))
    assert summary["steps_per_second"] == pytest.approx(summary["steps"] / timing["total_seconds"])
    assert summary["milliseconds_per_step"] * summary["steps"] == pytest.approx(1000 * timing["total_seconds"])
    assert summary["rows_per_second"] == pytest.approx(timing["samples_per_second"])


def test_numbers_stand_beside_the_last_value_as_forecast(numbers):
    found = json.loads(numbers[1]["metrics_test.json"].read_text())
    given = arrays(numbers=True)
    naive = given["X_test"][:, -1, 0].astype(np.float64)
    assert found["persistence"]["mse"] == pytest.approx(statistics.mse(given["y_test"].astype(np.float64), naive))
    assert found["mse"] < found["persistence"]["mse"]


def test_the_test_labels_change_nothing_but_its_metrics(classes, tmp_path):
    given = arrays()
    _, files = trained(tmp_path, {**given, "y_test": 1 - given["y_test"]}, "--epochs", "3", "--model", "gru")
    for name in ("best.safetensors", "norm_stats.json", "metrics_valid.json"):
        assert files[name].read_bytes() == classes[1][name].read_bytes(), name
    tests = [json.loads(one["metrics_test.json"].read_text()) for one in (classes[1], files)]
    assert tests[0]["auc"] == pytest.approx(1 - tests[1]["auc"])


def test_the_configuration_written_is_one_that_trains_the_same_again(classes, tmp_path):
    np.savez(tmp_path / "w.npz", **arrays())
    config = tmp_path / "config.yaml"
    text = classes[1]["config.yaml"].read_text()
    config.write_text(re.sub(r"npz_path: .*", f"npz_path: {tmp_path / 'w.npz'}", text))
    result = call("train", "--config", config, "--output-dir", tmp_path / "again", "--json")
    assert result.exit_code == 0, result.output
    [folder] = (tmp_path / "again").iterdir()
    assert (folder / "best.safetensors").read_bytes() == classes[1]["best.safetensors"].read_bytes()
    assert "--output-dir" not in text


def test_held_back_windows_of_one_class_have_no_auc_and_training_ends_all_the_same(tmp_path):
    given = arrays()
    given["y_train"][-N // 10 :] = 1
    found, files = trained(tmp_path, given, "--epochs", "2")
    assert found["metrics"]["valid"]["auc"] is None
    assert found["timing"]["total_epochs"] == 2
    assert files["best.safetensors"].stat().st_size
    shutil.rmtree(tmp_path / "outputs")


def of_unequal_length(fill=None):
    """Return sequences with their lengths, filled up behind them; or by NaN in front of them."""
    given = arrays()
    for part in ("train", "test"):
        X = given[f"X_{part}"]
        lengths = np.random.default_rng(4).integers(3, BARS + 1, len(X))
        place = np.arange(BARS)
        if fill is None:
            for row, length in enumerate(lengths):
                X[row] = np.roll(X[row], BARS - length, axis=0)
                X[row, : BARS - length] = np.nan
        else:
            X[place >= lengths[:, None]] = fill
            given[f"lengths_{part}"] = lengths
    return given


def test_sequences_of_unequal_length_are_trained_on_and_what_fills_them_up_is_not_read(tmp_path):
    arguments = ("--epochs", "3", "--model", "gru", "--batch-tokens", "100", "--checkpoints", "1")
    found = []
    for name, fill in (("zeros", 0.0), ("large", 1e9), ("front", None)):
        (tmp_path / name).mkdir()
        found.append(trained(tmp_path / name, of_unequal_length(fill), *arguments))
    for name in ("best.safetensors", "norm_stats.json", "metrics_valid.json", "metrics_test.json"):
        assert len({files[name].read_bytes() for _, files in found}) == 1, name
    document, files = found[0]
    told = json.loads(files["training.json"].read_text())
    given = of_unequal_length(0.0)
    early = given["lengths_train"][: N - N // 10]
    counts = {length: int((early == length).sum()) for length in range(3, BARS + 1)}
    assert len(told["batches"][0]) == sum(-(-count // (100 // length)) for length, count in counts.items())
    real = np.concatenate([X[:n, 0] for X, n in zip(given["X_train"], early, strict=False)])
    np.testing.assert_allclose(json.loads(files["norm_stats.json"].read_text())["mu"], [real.mean()], rtol=1e-6)
    assert 0 < document["metrics"]["test"]["auc"] <= 1

    config = tmp_path / "config.yaml"
    config.write_text(files["config.yaml"].read_text())
    assert "batch_tokens: 100" in config.read_text()
    assert "batch_size" not in config.read_text()
    again = tmp_path / "again"
    result = call("train", "--config", config, "--npz", tmp_path / "front" / "w.npz", "--output-dir", again, "--json")
    assert result.exit_code == 0, result.output
    [folder] = again.iterdir()
    assert (folder / "best.safetensors").read_bytes() == files["best.safetensors"].read_bytes()


def test_networks_of_one_length_name_those_that_read_any(tmp_path):
    np.savez(tmp_path / "w.npz", **of_unequal_length(0.0))
    told = message_of(call("train", "--npz", tmp_path / "w.npz", "--model", "nhits"), 2)
    assert "the model 'nhits' reads windows of one length" in told
    assert "gru, lstm, mean-pool, tcn" in told
    assert "dlinear" not in told


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--batch-tokens", "100", "--batch-size", "8"), "batch_size 8 and batch_tokens 100: a step has so many rows"),
        (("--model", "ridge"), "must be one that reads windows"),
        (("--preset", "mean-pool-regressor"), "is for regression, and the labels of the file are for classification"),
        (("--data", "x.csv"), "leave out --data"),
        (("--model", "transformer", "--hidden", "30"), "must be a multiple of n_heads (heads), 4: 28 or 32; it was 30"),
        (("--model", "dlinear", "--layers", "2"), "has no option 'layers'"),
    ],
)
def test_mistakes_are_told(tmp_path, arguments, said):
    np.savez(tmp_path / "w.npz", **arrays())
    assert said in message_of(call("train", "--npz", tmp_path / "w.npz", *arguments), 2)
