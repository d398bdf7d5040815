"""One execution of a recipe, and what can be asked of it: run, resume, promote, reproduce, predict, explain, audit.

`run` tells the path from bars to report, step by step. What others take are the functions that `quorate` offers.
"""
