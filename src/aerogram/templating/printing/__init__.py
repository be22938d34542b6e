"""What a template may print: text, numbers and what has a text form of its own, but no ``repr``."""

from __future__ import annotations

from aerogram.templating.printing.code import PrintingEnvironment
from aerogram.templating.printing.filters import checked_filters

__all__ = ["PrintingEnvironment", "checked_filters"]
