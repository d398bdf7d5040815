"""Bars of vendors: a library of each, asked symbol by symbol."""
