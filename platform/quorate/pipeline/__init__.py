"""Tuning, training and evaluating one model, in three commands: what is asked for becomes a recipe.

What others take: `Request` of `request`; `tune`, `train` and `evaluate` of the modules of these names.
"""
