from quorate.report.browser.app import THEMES as THEMES
from quorate.report.browser.app import Browser as Browser
from quorate.report.browser.app import Doors as Doors
from quorate.report.browser.app import theme_of_terminal as theme_of_terminal
