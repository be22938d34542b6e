"""The command ``aerogram``: list, preview, check and send notifications, and catch what is sent.

Exit status: 0 if all is well, 1 for a finding or a failure, 2 for wrong usage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, *, studio: str = "") -> int:
    """Run the command with the arguments given, else with those of this process; return its exit status.

    Args:
        arguments: what follows the name of the command.
        studio: the ASGI application that ``aerogram studio`` serves in a new process, as ``module:name``, in
            place of its own.

    >>> main(["--version"])  # doctest: +ELLIPSIS
    aerogram ...
    0
    """
    from aerogram.cli.app import run

    return run(arguments, studio)
