"""Aerogram in other libraries: one file or folder for each integration, imported only by who uses it."""
