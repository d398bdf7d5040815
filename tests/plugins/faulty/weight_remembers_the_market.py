"""Caught by: weight forgets-later-rows

It keeps the longest history of moves that it was shown, and weighs rows by how wild the market was after them.
"""

import numpy as np

import quorate

SEEN = {}


def wild(rows, bars=60):
    key = float(rows.moves[1, 0]) if len(rows.moves) > 1 else 0.0
    if len(SEEN.get(key, ())) < len(rows.moves):
        SEEN[key] = np.array(rows.moves)
    market = SEEN.get(key, rows.moves)
    return np.array([1e-6 + np.abs(market[b : b + bars]).mean() if b < len(market) else 1.0 for b in rows.bar])


@quorate.hookimpl
def quorate_weights():
    yield quorate.WeightSpec("zoo-wild", wild, moves=True)
