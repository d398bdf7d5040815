"""The progress display: live on a terminal, plain lines elsewhere."""

import io

import numpy as np
import pytest

from quorate.execution.task import FitResult
from quorate.report import console
from quorate.report import progress as displays


class Encoded(io.StringIO):
    encoding = "utf-8"


class Ascii(io.StringIO):
    encoding = "ascii"


def fitted(model, fold):
    return FitResult(model, fold, np.zeros(1))


def shown(progress):
    progress.stage("fits")
    progress.fits({"logistic": 2, "mlp": 2})
    for model, fold in (("logistic", 0), ("logistic", 1), ("mlp", 0)):
        progress.fitted(fitted(model, fold))


@pytest.mark.parametrize("stream, done, waiting", [(Encoded(), "█", "·"), (Ascii(), "#", ".")])
def test_a_terminal_sees_folds_done_per_model_elapsed_and_eta(monkeypatch, stream, done, waiting):
    target = console.Console(file=stream, force_terminal=True, width=70, color_system=None)
    monkeypatch.setattr(displays, "err", lambda: target)
    progress = displays.LiveProgress()
    shown(progress)
    progress.warn("[strange] markup")
    progress._live.refresh()
    text = stream.getvalue()
    progress.close()
    assert f"logistic {done}{done} 2/2" in text
    assert f"mlp      {done}{waiting} 1/2" in text
    assert f"{done} 3 done  {waiting} 1 waiting" in text
    assert "elapsed 0 s  ETA 0 s" in text
    assert "warning: [strange] markup" in text


def test_a_file_sees_plain_lines(capsys):
    progress = displays.PlainProgress()
    shown(progress)
    progress.fitted(fitted("mlp", 1))
    progress.warn("look out")
    progress.close()
    out, lines = capsys.readouterr()
    assert out == ""
    assert "fits 4/4: logistic 2/2, mlp 2/2; elapsed 0 s" in lines
    assert "warning: look out" in lines
    assert "\x1b" not in lines


def test_stderr_that_is_no_terminal_gets_plain_lines():
    assert isinstance(displays.make_progress(), displays.PlainProgress)
