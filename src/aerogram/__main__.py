"""``python -m aerogram`` is the command ``aerogram``."""

from __future__ import annotations

import sys

from aerogram.cli import main

if __name__ == "__main__":
    sys.exit(main())
