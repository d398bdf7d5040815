"""The conformance kit: what a sound plugin does, one function per rule.

On the command line ``quorate check my_plugin.py``; in tests `parametrize_with_checks`, or a class of
tests per kind (``ModelTests``, ``FeatureTests``, ...). Fixtures come by themselves where quorate is
installed: ``quorate_market``, ``quorate_panel``, ``quorate_home``.
"""

from typing import Any

import lazy_loader

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if not name.endswith("Tests") or name in __all__:
        return _find(name)
    from quorate.testing import cases

    return getattr(cases, name)
