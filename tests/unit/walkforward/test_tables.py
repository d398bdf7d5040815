"""Tables of a run."""

from __future__ import annotations

import pandas as pd

from quorate.walkforward.tables import Frames


def test_a_table_is_made_when_it_is_asked_for():
    made = []

    def table(name):
        made.append(name)
        return pd.DataFrame({"name": [name]})

    frames = Frames({name: lambda name=name: table(name) for name in ("large", "small")})
    assert ([*frames], len(frames), made) == (["large", "small"], 2, [])
    for k, (name, frame) in enumerate(frames.items(), 1):
        assert frame["name"].tolist() == [name]
        assert len(made) == k
