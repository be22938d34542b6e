"""Aerogram in other libraries: one file for each integration, imported only by who uses it."""
