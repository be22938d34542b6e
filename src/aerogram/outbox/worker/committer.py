"""The writes of a worker's threads to the database, several mails in one transaction.

A commit takes as long as several mails take to send. Who needs one commits for everybody: a thread that asks
whether contents may leave waits for its answer, and so does every other one that has asked meanwhile. Results
wait for nothing; they go with the next commit, some hundredths of a second later at most.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from time import sleep
from typing import Final, TypeVar

from aerogram.exceptions import OutboxSchemaError, OutboxUnavailable
from aerogram.outbox.claimed import Claim
from aerogram.outbox.recording import begin_contents, record
from aerogram.outbox.retries import Verdict
from aerogram.outbox.storage.database import Database
from aerogram.outbox.worker.log import log_database, log_result, logger

__all__ = ["Committer", "checkpoint"]

T = TypeVar("T")

_GROUP: Final = 200
_GATHER: Final = 0.001  # seconds in which another connection has to ask for a commit to wait for more
_LINGER: Final = 0.02  # seconds that a result waits for others
_RETRY: Final = 1.0  # seconds between attempts while the database cannot be used

checkpoint: list[Callable[[str], object]] = []
"""Functions that are called with the name of each step, for tests that stop a worker there."""


def reached(step: str) -> None:
    """Call the function that is registered for a step."""
    for function in checkpoint:
        function(step)


@dataclass(eq=False, slots=True)
class _Question:
    """The question which contents may leave."""

    claims: Sequence[Claim]
    held: Set[str] = frozenset()  # the ids of those that may
    is_done: bool = False


@dataclass(eq=False)
class Committer:
    """Commits for all threads of one worker.

    Args:
        db: the database.
    """

    db: Database
    active: int = 0  # threads that have mail
    _questions: deque[_Question] = field(default_factory=deque)
    _results: deque[tuple[Claim, Verdict]] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pending: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _failed: bool = False
    _commits: int = 0

    def begin_contents(self, claims: Sequence[Claim]) -> Set[str]:
        """Commit that the contents of some mails begin to leave; return the ids of those that may."""
        question = _Question(claims)
        self._questions.append(question)
        with self._lock:
            if not question.is_done:
                self._gather()
                self._commit()
        return question.held

    def record(self, claim: Claim, verdict: Verdict) -> None:
        """Queue the result of a mail to be committed soon."""
        self._results.append((claim, verdict))
        if not self._pending.is_set():
            self._pending.set()

    def flush(self) -> bool:
        """Commit all results now; return whether that succeeded."""
        with self._lock:
            while self._results:
                if not self._commit():
                    return False
        return True

    def run(self) -> None:
        """Commit the results that no question takes along, until :meth:`end`; runs in a thread."""
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
        return len(self._results)

    def _gather(self) -> None:
        """Wait while more threads ask, each soon after the other."""
        seen = 0
        while seen < len(self._questions) < self.active:
            seen = len(self._questions)
            sleep(_GATHER)

    def _commit(self) -> bool:
        """Commit everything pending; what fails stays pending, and its questions are answered with no."""
        questions = _taken(self._questions, len(self._questions))
        results = _taken(self._results, _GROUP)
        held = begun = set[str]()
        try:
            reached("before commit")
            with self.db.writing() as connection:
                kept = record(connection, self.db.now(connection), results) if results else set()
                if asking := [claim for question in questions for claim in question.claims]:
                    begun = begin_contents(connection, self.db.now(connection), asking)
                reached("in commit")
            held = begun  # not before: the commit may fail
            reached("after commit")
        except (OutboxUnavailable, OutboxSchemaError) as error:
            self._results.extendleft(reversed(results))
            if not self._failed:
                log_database(error)
            self._failed = True
            return False
        except Exception as error:
            results, kept = self._record_singly(results, error)
        finally:
            for question in questions:
                question.held, question.is_done = held, True
        self._failed = False
        self._commits += 1
        for claim, verdict in results:
            log_result(claim, verdict, is_held=claim.id in kept)
        return True

    def _record_singly(
        self, results: list[tuple[Claim, Verdict]], error: Exception
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
                    recorded = record(connection, self.db.now(connection), [each])
                kept |= recorded
            except (OutboxUnavailable, OutboxSchemaError):
                self._results.append(each)
                continue
            except Exception as failure:
                logger.error("entry %s: %s", each[0].id, type(failure).__name__, exc_info=failure)
            done.append(each)
        return done, kept


def _taken(queue: deque[T], most: int) -> list[T]:
    return [queue.popleft() for _ in range(min(most, len(queue)))]
