"""Quorate: backtests ensembles of models on market data and judges them on evidence.

The public names are those of ``__init__.pyi``; importing the package loads none of them.
"""

import os

# OpenMP threads that spin while they wait make small fits many times slower beside a busy
# neighbour. Native libraries read this when they load, so it is set before any of them can.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__.append("__version__")
