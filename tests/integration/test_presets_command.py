"""Training presets from the command line."""

from __future__ import annotations

import json

from support.command import call, message_of


def test_the_commands_list_them_and_show_what_each_sets():
    rows = json.loads(call("training-preset", "list", "--json").stdout)
    assert [row["name"] for row in rows if row["default"]] == ["balanced"]
    text = call("training-preset", "show", "fast").stdout
    assert "[models.cnn-gru-fast]" in text
    assert "\nbatch_size = 64" in text
    assert '# norm = "z-score"' in text
    assert "did you mean 'fast'" in message_of(call("training-preset", "show", "fst"), 2)
