"""Writes ``timeline.jsonl``: a made-up run that was killed, and finished by two machines. Run it to write it again."""

import json
from pathlib import Path

START = 1_767_260_000.0
SECONDS = {"logistic": 0.4, "lightgbm": 2.0, "random-forest": 3.5, "gru": 9.0}
FOLDS = range(6)
FIRST = {"atlas:4012": 0.0, "atlas:4013": 0.0}
SECOND = {"atlas:4102": 0.0, "atlas:4103": 0.0, "borea:71": 0.0}
events = []


def event(time, kind, **more):
    events.append({"time": round(START + time, 3), "event": kind, **more})


def stages(*spans):
    for name, began, end in spans:
        if name != "start":
            event(began, "stage", state="begin", name=name)
        if end is not None:
            told = {"began": START + began, "seconds": round(end - began, 3)}
            event(end, "stage", state="end", name=name, **told)


def fits(free, begin, until, todo):
    """Hand out what is to do, the longest first; return what did not come back."""
    free = dict.fromkeys(free, begin)
    lost = []
    for model, fold in todo:
        place = min(free, key=lambda p: free[p])
        began, seconds = free[place] + 0.01, round(SECONDS[model] * (0.8 + 0.06 * fold), 3)
        if began >= until:
            lost.append((model, fold))
            continue
        event(began, "handed", fits=[[model, fold]])
        free[place] = began + seconds
        if free[place] > until:
            lost.append((model, fold))
            continue
        # The second machine's clock is 40 s ahead.
        ahead = 40.0 if place.startswith("borea") else 0.0
        failed = (model, fold) == ("gru", 2)
        event(
            free[place] + 0.002,
            "fit",
            model=model,
            fold=fold,
            key=f"{model}-{fold}",
            cached=False,
            place="" if failed else place,
            began=round(START + began + ahead, 3),
            seconds=seconds,
            cpu_seconds=round(seconds * 0.97, 3),
            error="its process died" if failed else "",
            notes=[],
        )
    return lost


def main():
    """Write the file."""
    todo = [(model, fold) for model in ("gru", "random-forest", "lightgbm", "logistic") for fold in reversed(FOLDS)]
    event(0.62, "run", run="20260101T093320-nightly-6f1a", command="run", pid=4000, host="atlas", version="0.1.0")
    stages(("start", 0.0, 0.6), ("recipe", 0.6, 0.9), ("data", 0.9, 1.5), ("features", 1.5, 2.6), ("fits", 2.6, None))
    event(2.7, "fits", totals=dict.fromkeys(SECONDS, len(FOLDS)), folds=len(FOLDS))
    event(2.7, "workers", workers=2, executor="processes")
    event(8.0, "warning", message="model 'gru' is slow")
    lost = fits(FIRST, 2.8, 33.0, todo)

    # A process says that it is there when it knows the run; what it had to say before follows.
    events.sort(key=lambda e: (e["event"] != "run", e["time"]))
    n, later = len(events), 3600.0
    event(later + 0.7, "run", run="20260101T093320-nightly-6f1a", command="resume", pid=4100, host="atlas",
          version="0.1.0")  # fmt: skip
    done = {"start": 0.6, "recipe": 1.0, "data": 1.1, "features": 2.2, "fits": 23.1, "ensemble": 23.5, "backtest": 24.4,
            "evidence": 26.0, "store": 26.2}  # fmt: skip
    begins = [0.0, *done.values()]
    stages(*[(name, later + began, later + end) for (name, end), began in zip(done.items(), begins, strict=False)])
    event(later + 2.3, "fits", totals=dict.fromkeys(SECONDS, len(FOLDS)), folds=len(FOLDS))
    nothing = {"place": "", "began": 0.0, "seconds": 0.0, "cpu_seconds": 0.0, "error": "", "notes": []}
    for model, fold in todo:
        if (model, fold) not in lost:
            event(later + 2.4, "fit", model=model, fold=fold, key=f"{model}-{fold}", cached=True, **nothing)
    event(later + 2.5, "workers", workers=3, executor="ray")
    fits(SECOND, later + 3.0, later + 99.0, lost)
    event(later + 26.3, "end", state="finished")
    events[n:] = sorted(events[n:], key=lambda e: (e["event"] != "run", e["time"]))
    lines = [json.dumps(e, separators=(",", ":")) for e in events]
    lines.insert(n, lines[n - 1][:30])  # what a kill leaves
    Path(__file__).with_name("timeline.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
