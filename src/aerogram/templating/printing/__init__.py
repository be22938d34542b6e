"""What a template may print: text, numbers and objects with a text form, but never a ``repr``."""

from __future__ import annotations

from aerogram.templating.printing.code import PrintingEnvironment
from aerogram.templating.printing.filters import checked_filters

__all__ = ["PrintingEnvironment", "checked_filters"]
