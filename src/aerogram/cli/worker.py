"""``aerogram worker``: the process that sends what is queued."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from typing import Annotated

import typer

from aerogram.cli.screen import counted, screen, shown_time
from aerogram.exceptions import OutboxUnavailable


def worker(
    concurrency: Annotated[
        int, typer.Option(metavar="N", min=1, help="The number of connections to each server.")
    ] = 8,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is due.")] = False,
) -> None:
    """Send what is queued, until it is stopped by SIGTERM or Ctrl-C.

    The mails that are being sent then are finished; what else was claimed is given back. A second signal ends
    it at once.
    """
    from aerogram.outbox.worker import Worker

    running = Worker(concurrency=concurrency, once=once)

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        running.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if not once:
        screen(stderr=True).print(
            f"Sending what is queued, over {counted(concurrency, 'connection')}. Stop: Ctrl-C."
        )
    began = datetime.now(UTC)
    sent = running.run()
    if once:
        screen().print(_outcome(sent, began), soft_wrap=True)
    if once and (waiting := running.misconfigured):
        raise OutboxUnavailable(
            " ".join(f"The mailer {name} cannot send: {why.rstrip('.')}." for name, why in waiting.items())
            + " The mail stays queued."
        )


def _outcome(sent: int, began: datetime) -> str:
    """Return what a run has done since it began, and what it has left in the queue."""
    from aerogram.outbox.metrics import left_since

    left = left_since(began)
    waiting = f"{counted(left.queued, 'mail')} waiting"
    if left.next_due is not None:
        waiting += f" until {shown_time(left.next_due)} or later"
    return f"{counted(sent, 'mail')} sent, {left.dead} refused or expired. {waiting}. {left.held} held."
