"""A run of models with several seeds while it goes on: each seed counts, one mark per fold shows them all."""

from __future__ import annotations

from quorate.execution.progress import CACHED, DONE, RUNNING, WAITING
from quorate.report.heard import Heard
from quorate.report.timeline import make_timeline
from support.logs import START, fit_event, run_event, stage_event

FITS = {"time": START, "event": "fits", "totals": {"gru": 4, "mlp": 2}, "folds": 2, "numbers": [0, 1]}


def handed(*fits):
    return {"time": START + 1, "event": "handed", "fits": list(fits)}


def test_every_seed_is_counted_and_a_fold_is_done_with_its_last():
    heard = Heard()
    events = [
        run_event(),
        FITS,
        {"time": START, "event": "workers", "workers": 2, "executor": "processes"},
        handed(["gru", 0], ["gru", 0, 1]),
        handed(["gru", 1], ["gru", 1, 1]),
    ]
    for event in events:
        heard.hear(event)
    board = heard.board
    assert (board.total, board.done, board.busy) == (6, 0, 2)
    assert list(board.states["gru"]) == [RUNNING, RUNNING]
    heard.hear(fit_event(START + 2))
    assert list(board.states["gru"]) == [RUNNING, RUNNING]  # the other seed is next
    heard.hear(fit_event(START + 3, replicate=1))
    assert list(board.states["gru"]) == [DONE, RUNNING]
    heard.hear(fit_event(START + 4, fold=1, replicate=1, cached=True))
    heard.hear(fit_event(START + 4, fold=1, cached=True))
    assert list(board.states["gru"]) == [DONE, CACHED]
    assert (board.done, board.counts["gru"]) == (4, [2, 2, 0, 0, 0])
    assert list(board.states["mlp"]) == [WAITING, WAITING]
    assert heard.strange == 0


def test_a_timeline_knows_which_seed_never_came_back():
    events = [
        run_event(),
        stage_event(START, "fits"),
        handed(["gru", 0], ["gru", 0, 1], ["gru", 0, 2]),
        fit_event(START + 2),
        fit_event(START + 3, replicate=2),
    ]
    [attempt] = make_timeline("r", events).attempts
    assert (attempt.repeated, attempt.in_flight) == (0, 1)
    assert [fit.replicate for fit in attempt.fits] == [0, 2]
