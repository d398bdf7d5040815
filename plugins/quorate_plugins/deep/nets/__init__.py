"""Architectures: networks over lanes, see `quorate_plugins.deep.lanes`."""
