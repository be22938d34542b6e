"""``manage.py aerogram``: the command ``aerogram`` inside of a Django project."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aerogram.cli import main

__all__ = ["Command"]


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types
    """Passes all its arguments on."""

    help = "List, preview, check and send notifications: manage.py aerogram --help."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser that leaves all arguments to the command ``aerogram``."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parse = parser.parse_args
        parser.parse_args = lambda args=None: Namespace(**vars(parse([])), args=args or [])
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command, and end the process with its exit status."""
        sys.exit(main(argv[2:]))

    def print_help(self, prog_name: str, subcommand: str) -> None:  # noqa: ARG002 - the signature of Django
        """Show the help of the command ``aerogram``."""
        main(["--help"])

    def handle(self, *args: str, **_options: Any) -> None:
        """Run the command for ``call_command("aerogram", …)``.

        Raises:
            CommandError: its exit status is not 0.
        """
        self.stdout.ending = self.stderr.ending = ""
        with redirect_stdout(self.stdout), redirect_stderr(self.stderr):
            status = main(args)
        if status:
            raise CommandError(f"aerogram {' '.join(args)}: exit status {status}.", returncode=status)
