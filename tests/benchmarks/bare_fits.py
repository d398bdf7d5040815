"""A bare process that fits its part of a recipe's tasks, and nothing else: what the hardware can do.

    python bare_fits.py RECIPE PART PARTS

It says when it is ready, waits for a line, and then says how long its fits took.
"""

from __future__ import annotations

import sys
import time

from quorate.execution.fit import run_fit
from quorate.execution.task import FitData
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session
from quorate.walkforward.layout import holdout_start, prepare
from quorate.walkforward.tasks import fit_tasks


def main() -> None:
    recipe, overrides = sys.argv[1], sys.argv[4:]
    part, parts = int(sys.argv[2]), int(sys.argv[3])
    session = open_session(recipe, overrides=overrides)
    bars = load_bars(session)
    stop = holdout_start(bars, session.recipe)
    walk = prepare(session.recipe, session.registry, bars.until(stop), [(0, stop)])
    data = FitData(walk.dataset, tuple(walk.folds))
    tasks = fit_tasks(walk, walk.folds)
    for name in walk.members:  # every library is imported
        run_fit(next(task for task in tasks if task.model == name), data)
    # Neighbouring folds of a model take alike: 0 1 1 0 0 1 1 0 ...
    mine = [task for i, task in enumerate(tasks) if (i + (i // parts) % 2) % parts == part]
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    failed = [result.error for task in mine if (result := run_fit(task, data)).error]
    print(time.perf_counter() - start, flush=True)
    if failed:
        sys.exit(failed[0])


if __name__ == "__main__":
    main()
