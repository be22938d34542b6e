"""One mail at a time, as a worker records several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aerogram.outbox import recording
from aerogram.outbox.retries import Outcome, Verdict

if TYPE_CHECKING:
    from aerogram.outbox.claimed import Claim
    from aerogram.outbox.storage.database import Database


def begin_content(db: Database, claim: Claim) -> bool:
    """Record that the content of a mail is about to be sent; return False if the lease is lost."""
    with db.writing() as connection:
        return bool(recording.begin_contents(connection, db.now(connection), [claim]))


def record(db: Database, claim: Claim, outcomes: Sequence[Outcome], *, uncertain: bool = False) -> bool:
    """Record what became of a mail; return False if the lease was lost."""
    verdict = Verdict(tuple(outcomes), uncertain=uncertain)
    with db.writing() as connection:
        return bool(recording.record(connection, db.now(connection), [(claim, verdict)]))
