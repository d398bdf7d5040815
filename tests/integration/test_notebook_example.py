"""The example notebook runs from top to bottom, and each cell that ends with a result shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"
RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(history_file=":memory:")
shown = []
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        done = shell.run_cell("".join(cell["source"]))
        done.raise_error()
        formats = shell.display_formatter.format(done.result)[0] if done.result is not None else {}
        shown.append(formats.get("text/html", ""))
json.dump(shown, open(sys.argv[2], "w", encoding="utf-8"))
"""


@pytest.mark.full
def test_the_example_notebook_runs_and_every_result_draws_itself(home, tmp_path):
    out = tmp_path / "shown.json"
    done = subprocess.run(
        [sys.executable, "-c", RUN, NOTEBOOK, out], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, *shown = json.loads(out.read_text(encoding="utf-8"))
    assert first == ""
    assert len(shown) == 10
    assert all("<" in html for html in shown)
    whole = "".join(shown)
    for word in ("notebook: ", "90% CI", "null market", "decided at", "in_sample"):
        assert word in whole, word


def test_the_notebook_is_kept_without_outputs():
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    codes = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in codes)
