"""Bars that are kept: collections, to which imports are only ever appended."""
