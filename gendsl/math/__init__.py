"""Formulas that no engine has, over `ops`."""
