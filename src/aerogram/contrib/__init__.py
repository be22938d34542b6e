"""Aerogram in other people's programs: one file for each framework, imported only by who uses it."""
