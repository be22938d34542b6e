"""``aerogram preview``: every sample on disk, and a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from aerogram.cli.screen import screen


def preview(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder to write to; made if needed.")
    ],
) -> None:
    """Write every sample as .html, .txt and .eml, and a page that shows them all."""
    from aerogram.preview import write_previews

    written = write_previews(out, context.obj.notifications())
    mails = sum(path.suffix == ".eml" for path in written)
    page = written[-1].resolve()
    screen().print(
        Text.assemble(
            f"{mails} {'sample' if mails == 1 else 'samples'}, {len(written)} files. Open ",
            (str(page), f"bold link {page.as_uri()}"),
        ),
        soft_wrap=True,
    )
