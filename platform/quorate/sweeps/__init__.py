"""Sweeps: which parameters serve a model best, found on the past alone, and whether that helped.

`search` decides what is tried next and what came of it, in an order that no worker can change; `tuning` has it
fitted; `verdict` compares the best with the recipe's own parameters on rows that no trial saw. `study` keeps trials
as Optuna does, `sampling` asks the sampler, a plugin, and checks its answer; `translation` has spaces and trials in
Optuna's terms. This room stores nothing else and prints nothing: `quorate.runs.sweep` does. Only this room, and
samplers inside their call, import Optuna.
"""
