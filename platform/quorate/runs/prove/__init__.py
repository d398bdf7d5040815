"""What a recipe could prove: its own strategy, costs, gates and evidence on surrogates of the user's own bars.

`market` makes the surrogates, `forecast` plants forecasts that know a little of what comes, `draw` decides and judges
one surrogate as a run and a promotion do, `power` says what many of them come to, and `_prove` asks for as many as it
takes.
"""

from quorate.runs.prove._prove import Proof, prove

__all__ = ["Proof", "prove"]
