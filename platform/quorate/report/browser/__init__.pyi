from .app import THEMES as THEMES
from .app import Browser as Browser
from .app import Doors as Doors
from .app import theme_of_terminal as theme_of_terminal
