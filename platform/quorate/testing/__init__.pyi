# The public names of quorate.testing, see the stub of quorate; a class of tests per kind comes beside them.

import typing

from ._base import NotApplicable as NotApplicable
from ._base import Outcome as Outcome
from ._base import Rule as Rule
from ._base import Violation as Violation
from ._base import rules as rules
from .cases import PluginTests as PluginTests
from .cases import parametrize_with_checks as parametrize_with_checks
from .cases import plugins_of as plugins_of
from .markets import evidence as evidence
from .markets import market as market
from .markets import panel as panel
from .markets import performance as performance
from .markets import sample as sample
from .markets import scramble as scramble
from .runner import check as check

def __getattr__(name: str) -> typing.Any: ...
