"""The rules, one function each: ``check_<kind>_<name>``, found by its name."""
