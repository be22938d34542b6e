"""What the connections of a worker write to the database, several mails in one transaction.

A commit takes as long as several mails take to send. Who needs one commits for everybody: a connection that
asks whether a content may leave waits for its answer, and so does every other one that has asked meanwhile.
Results wait for nothing; they go with the next commit, some hundredths of a second later at most.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import sleep
from typing import Final

from aerogram.exceptions import OutboxSchemaError, OutboxUnavailable
from aerogram.outbox.claims import Claim
from aerogram.outbox.recording import begin_contents, record_all
from aerogram.outbox.retries import Verdict
from aerogram.outbox.storage.database import Database
from aerogram.outbox.worker.log import log_database, log_result, logger

__all__ = ["Committer", "checkpoint"]

_GROUP: Final = 200
_GATHER: Final = 0.001  # seconds in which another connection has to ask for a commit to wait for more
_LINGER: Final = 0.02  # seconds that a result waits for others
_RETRY: Final = 1.0  # seconds between attempts while the database cannot be used

checkpoint: list[Callable[[str], object]] = []
"""Functions that are called with the name of each step, for tests that stop a worker there."""


def reached(step: str) -> None:
    """Call what is to be called at a step."""
    for function in checkpoint:
        function(step)


@dataclass(eq=False, slots=True)
class _Request:
    """A question whether a content may leave, or the verdict on a mail."""

    claim: Claim
    verdict: Verdict | None = None
    is_done: bool = False
    is_held: bool = False


@dataclass(eq=False)
class Committer:
    """Commits for all connections of one worker.

    Args:
        db: the database.
    """

    db: Database
    _requests: deque[_Request] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pending: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _failed: bool = False
    _commits: int = 0
    _asking: int = 0  # about: no lock guards it
    active: int = 0  # lanes that have mail

    def begin_content(self, claim: Claim) -> bool:
        """Commit that the content of a mail begins to leave; return False if it must not."""
        request = _Request(claim)
        self._requests.append(request)
        self._asking += 1
        while not request.is_done:
            with self._lock:
                if not request.is_done:
                    self._gather()
                    if not (self._commit() or request.is_done):  # it is behind results that fill a commit
                        self._requests.remove(request)
                        return False
        return request.is_held

    def record(self, claim: Claim, verdict: Verdict) -> None:
        """Commit what became of a mail, soon."""
        self._requests.append(_Request(claim, verdict))
        self._pending.set()

    def flush(self) -> bool:
        """Commit all results now; return whether that succeeded."""
        with self._lock:
            while self._requests:
                if not self._commit():
                    return False
        return True

    def run(self) -> None:
        """Commit the results that no question takes along, until :meth:`end`; the body of a thread."""
        while not self._ended.is_set():
            self._pending.wait()
            commits = self._commits
            self._ended.wait(_LINGER)
            if self._commits == commits:
                self._pending.clear()
                while not (self.flush() or self._ended.wait(_RETRY)):
                    pass

    def end(self) -> None:
        """Commit the results, or try to, and end :meth:`run`."""
        self.flush()
        self._ended.set()
        self._pending.set()

    @property
    def unrecorded(self) -> int:
        """The results that could not be committed yet."""
        return sum(request.verdict is not None for request in list(self._requests))

    def _gather(self) -> None:
        """Wait while more connections ask, each soon after the other."""
        seen = 0
        while seen < self._asking < self.active:
            seen = self._asking
            sleep(_GATHER)

    def _commit(self) -> bool:
        """Commit what is there; results that cannot be committed stay, and questions are answered No."""
        group: list[_Request] = []
        self._asking = 0
        while self._requests and len(group) < _GROUP:
            group.append(self._requests.popleft())
        questions = [request for request in group if request.verdict is None]
        results = [(request.claim, request.verdict) for request in group if request.verdict is not None]
        held = begun = set[str]()
        try:
            reached("before commit")
            with self.db.writing() as connection:
                kept = record_all(connection, self.db.now(connection), results) if results else set()
                if questions:
                    asking = [request.claim for request in questions]
                    begun = begin_contents(connection, self.db.now(connection), asking)
                reached("in commit")
            held = begun  # not before: the commit may fail
            reached("after commit")
        except (OutboxUnavailable, OutboxSchemaError) as error:
            self._requests.extendleft(reversed([each for each in group if each.verdict is not None]))
            if not self._failed:
                log_database(error)
            self._failed = True
            return False
        except Exception as error:
            results, kept = self._record_singly(results, error)
        finally:
            for request in questions:
                request.is_held = request.claim.id in held
                request.is_done = True
        self._failed = False
        self._commits += 1
        for claim, verdict in results:
            log_result(claim, verdict, is_held=claim.id in kept)
        return True

    def _record_singly(
        self, results: Sequence[tuple[Claim, Verdict]], error: Exception
    ) -> tuple[list[tuple[Claim, Verdict]], set[str]]:
        """Record results one by one, as one of them cannot be recorded; its lease ends by itself.

        Those that fail for want of the database stay for the next commit.

        Returns:
            The others, and the ids of those whose lease was not lost.
        """
        logger.error("results cannot be recorded together: %s", type(error).__name__, exc_info=error)
        done, kept = list[tuple[Claim, Verdict]](), set[str]()
        for each in results:
            try:
                with self.db.writing() as connection:
                    recorded = record_all(connection, self.db.now(connection), [each])
                kept |= recorded
            except (OutboxUnavailable, OutboxSchemaError):
                self._requests.append(_Request(*each))
                continue
            except Exception as failure:
                logger.error("entry %s: %s", each[0].id, type(failure).__name__, exc_info=failure)
            done.append(each)
        return done, kept
