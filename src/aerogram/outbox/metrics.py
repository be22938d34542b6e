"""The queue as metrics, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aerogram.outbox import entries, transports
from aerogram.outbox.storage.database import Database

__all__ = ["prometheus_text"]

Labels = tuple[tuple[str, str], ...]


def prometheus_text(db: Database) -> str:
    """Return the counts by state, and what shows whether the queue moves.

    Args:
        db: the database.
    """
    status, paused = entries.status(db), transports.paused_until(db)
    gauges: Iterable[tuple[str, str, Mapping[Labels, float]]] = (
        (
            "entries",
            "Entries by state.",
            {(("state", state),): number for state, number in status.counts.items()},
        ),
        (
            "uncertain_entries",
            "Entries of which it was at least once uncertain whether they were sent.",
            {(): status.uncertain},
        ),
        (
            "oldest_queued_seconds",
            "Age of the oldest mail that is due, 0 if none is.",
            {(): status.oldest_queued_seconds or 0},
        ),
        ("sent_last_hour", "Entries that were sent during the last hour.", {(): status.sent_last_hour}),
        (
            "mailer_paused",
            "Mailers whose server failed and is left alone for some time.",
            {(("mailer", name or "default"),): 1 for name in paused},
        ),
    )
    lines = []
    for name, explanation, values in gauges:
        name = f"aerogram_outbox_{name}"
        lines += [f"# HELP {name} {explanation}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_written(labels)} {value:g}" for labels, value in values.items()]
    return "\n".join(lines) + "\n"


def _written(labels: Labels) -> str:
    escapes = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n"}
    pairs = ",".join(f'{name}="{value.translate(escapes)}"' for name, value in labels)
    return f"{{{pairs}}}" if pairs else ""
