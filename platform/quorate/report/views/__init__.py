"""What commands show beside the report, one module for each thing that is shown.

A view draws what it is given, plain data or an object of a room below, on the terminal; it computes no number.
"""
