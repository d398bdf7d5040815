"""The interactive window; the only folder that imports Textual.

It reads a home and shows what the command line prints. What it does to a home it does by commands that run beside
it, so that each can be learnt and none is lost when the window is closed.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
