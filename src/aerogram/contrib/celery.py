"""Sending the mail of the outbox with Celery workers.

Needs the extra ``celery``. A mail is first committed to the outbox; then a task with its id is published. The
database row decides who sends, so a task that arrives twice or late sends nothing. If a task is lost, no mail
is lost, because each Celery worker regularly looks for due mail (:data:`SWEEP_SECONDS`).

Importing this module registers the tasks with the Celery applications of the process. From then on, each mail
that the process queues is published when its transaction is committed::

    from celery import Celery
    import aerogram.contrib.celery

    app = Celery("shop", broker="redis://localhost")
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from celery import shared_task, signals

from aerogram.exceptions import AerogramError, KeyConflictError, OutboxUnavailable, PayloadError
from aerogram.mail.backends.outbox import EmailBackend
from aerogram.mail.characters import excerpt
from aerogram.mail.sending import send_mass_mail
from aerogram.notification import Notification
from aerogram.outbox import runs
from aerogram.outbox.recovery import recover_all
from aerogram.outbox.schedule import Schedule, refused
from aerogram.outbox.storage.database import current_database
from aerogram.outbox.storage.joining import committed
from aerogram.outbox.worker import Worker

__all__ = ["SWEEP_SECONDS", "FanOut", "fan_out", "progress"]

SWEEP_SECONDS: Final = 10.0
"""How often each Celery worker looks for mail that is due and that no task has sent."""

_IDS_A_TASK: Final = 100
_DRAIN_SECONDS: Final = 60.0
_DRAINS: Final = 32  # tasks of one sweep
_MAILS_A_DRAIN: Final = 500

logger = logging.getLogger("aerogram.outbox")

_inside: ContextVar[bool] = ContextVar("aerogram_celery_task", default=False)
_RELIABLE: Final[dict[str, Any]] = {"acks_late": True, "reject_on_worker_lost": True, "ignore_result": True}


# -- the tasks --


@shared_task(name="aerogram.send", **_RELIABLE)  # type: ignore[untyped-decorator] # Celery has no types
def send(ids: list[str]) -> int:
    """Send these mails, unless they are not due or another worker has them; return how many were sent."""
    return Worker(concurrency=1, once=True, only=ids).run()


@shared_task(name="aerogram.drain", **_RELIABLE)  # type: ignore[untyped-decorator] # as above
def drain() -> int:
    """Send what is due, for a minute at most; return how many mails were sent."""
    worker = Worker(concurrency=1, once=True)
    timer = threading.Timer(_DRAIN_SECONDS, worker.stop)
    timer.start()
    try:
        return worker.run()
    finally:
        timer.cancel()


@shared_task(name="aerogram.sweep", **_RELIABLE)  # type: ignore[untyped-decorator] # as above
def sweep() -> int:
    """Publish tasks for mail that is overdue, as its task was lost or its next attempt has come."""
    recover_all(current_database())
    overdue = runs.overdue(SWEEP_SECONDS / 2, limit=_DRAINS * _MAILS_A_DRAIN)
    tasks = -(-overdue // _MAILS_A_DRAIN)
    for _ in range(tasks):
        drain.apply_async(expires=SWEEP_SECONDS)
    return tasks


@shared_task(  # type: ignore[untyped-decorator] # as above
    name="aerogram.fan_out",
    autoretry_for=(OutboxUnavailable,),
    retry_backoff=5,
    max_retries=None,
    **_RELIABLE,
)
def send_chunk(run: str, name: str, items: list[tuple[str, dict[str, Any]]]) -> int:
    """Render, queue and send the mails of one chunk, without those that the run has queued before."""
    failures: list[Exception] = []
    keyed: dict[str, dict[str, Any]] = {}
    for key, fields in items:
        if keyed.setdefault(f"{run}/{key}", fields) != fields:
            failures.append(KeyConflictError(f"Two different items of the run {run} have the key {key!r}."))
    with _unpublished():
        failures += _queue(name, keyed)
    sent = send(list(runs.entries_of(list(keyed)).values()))
    for failure in failures:
        logger.error("fan-out %s: %s", run, failure)
    if failures:
        raise failures[0]
    return int(sent)


def _queue(name: str, keyed: Mapping[str, dict[str, Any]]) -> list[Exception]:
    """Put the mails into the outbox that are not there yet; return the errors of those that fail."""
    while True:
        known = runs.entries_of(list(keyed))
        backend, failures = _KeyedBackend(), list[Exception]()
        for key, fields in keyed.items():
            if key not in known:
                try:
                    backend.remember(key, {"notification": name, "fields": fields})
                except Exception as error:  # the class of today may refuse what that of yesterday has written
                    failures.append(error)
        try:
            send_mass_mail(backend.mails, connection=backend)
        except KeyConflictError:  # another worker has queued it meanwhile, from other data
            continue
        except OutboxUnavailable:
            raise
        except AerogramError as error:  # of a single mail, or a DeliveryError that counts those of several
            failures.append(error)
        return failures


class _KeyedBackend(EmailBackend):
    """Queues each mail by a key of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Notification] = []
        self._keys: dict[int, str] = {}  # by the id of the mail, which the list keeps alive

    def remember(self, key: str, data: Mapping[str, Any]) -> None:
        mail = Notification.from_dict(data)
        self._keys[id(mail)] = key
        self.mails.append(mail)

    def schedule_of(self, message: Any) -> Schedule:
        return replace(self._schedule, key=self._keys[id(message.notification)])


# -- publishing --


def publish(ids: Sequence[str]) -> None:
    """Publish tasks for new entries. If the broker cannot be reached, a sweep finds them later."""
    if _inside.get():
        return
    try:
        for part in _parts(ids, _IDS_A_TASK):
            send.apply_async(args=[part], retry=False)
    except Exception as error:  # of any transport of kombu; the mail is committed
        logger.warning("the broker took no task (%s); the next sweep finds the mail", type(error).__name__)


committed.append(publish)


@contextmanager
def _unpublished() -> Iterator[None]:
    """Publish nothing of what is queued inside: who queues it sends it."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def _parts(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


@signals.worker_ready.connect  # type: ignore[untyped-decorator] # Celery has no types
def _start_sweeping(**_: object) -> None:
    """Publish sweeps from the main process of a Celery worker, which needs no Celery beat for that."""
    stop = threading.Event()

    def run() -> None:
        while True:
            try:
                sweep.apply_async(expires=SWEEP_SECONDS, retry=False)
            except Exception as error:  # the broker is away
                logger.warning("no sweep could be published (%s)", type(error).__name__)
            if stop.wait(SWEEP_SECONDS):
                return

    signals.worker_shutting_down.connect(lambda **_: stop.set(), weak=False)
    threading.Thread(target=run, name="aerogram-sweep", daemon=True).start()


# -- one mail to very many --


@dataclass(frozen=True, slots=True)
class FanOut:
    """The result of :func:`fan_out`.

    Attributes:
        run: the id of the run.
        items: the number of published mails.
        chunks: the number of tasks that carry them.
    """

    run: str
    items: int
    chunks: int

    def progress(self) -> dict[str, int]:
        """Return the number of mails in each state, as :func:`progress` does."""
        return progress(self.run)


def fan_out(
    kind: type[Notification],
    items: Iterable[Mapping[str, Any]],
    chunk: int = 500,
    *,
    run: str | None = None,
    key: Callable[[Mapping[str, Any]], str] | None = None,
) -> FanOut:
    """Queue tasks for Celery workers that render and send one mail for each item.

    To resume an interrupted run, start it again with the same ``run`` id and the same items: mails that are
    already queued are neither rendered nor sent again.

    Args:
        kind: the class of the mails.
        items: any iterable with the arguments of each mail. They are sent as JSON, in the form of
            ``to_dict()``.
        chunk: the number of mails per task.
        run: the id of the run, up to 150 characters, such as ``"digest-2026-48"``; a random one if it is
            None.
        key: a function that returns a unique key for each item of the run, up to 40 characters, such as the
            id of the customer. By default, a hash of the arguments, so two equal items are sent once.

    Returns:
        The id of the run, and the number of published mails and tasks.

    Raises:
        PayloadError: an argument is missing, unknown, or cannot be written as JSON. Earlier chunks have been
            published.
        ScheduleError: a run id, chunk size or key is not accepted.
        TypeError: ``kind`` is not a notification class.
    """
    if not (isinstance(kind, type) and issubclass(kind, Notification)):
        raise TypeError(
            f"kind is {excerpt(kind)}, of type {type(kind).__name__}. Accepted: a class of notifications."
        )
    run = run or f"{kind.__name__}-{uuid.uuid4().hex}"
    if not (isinstance(run, str) and len(run) <= _LONGEST_RUN and "/" not in run and run.isprintable()):
        raise refused("run", run, f"up to {_LONGEST_RUN} printable characters, no slash")
    if isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1:
        raise refused("chunk", chunk, "a whole number above 0")
    count = chunks = 0
    name = ""
    for part in _parts(items, chunk):
        carried = []
        for arguments in part:
            data = _filled(kind, arguments).to_dict()
            name = data["notification"]
            carried.append((_key(key(arguments)) if key else _hash(data["fields"]), data["fields"]))
        send_chunk.apply_async(args=[run, name, carried])
        count, chunks = count + len(part), chunks + 1
    return FanOut(run, count, chunks)


def _filled(kind: type[Notification], arguments: Mapping[str, Any]) -> Notification:
    try:
        return kind(**arguments)
    except TypeError as error:  # a missing or unknown argument
        raise PayloadError(f"An item of the run is not a valid {kind.__qualname__}: {error}.") from error


def progress(run: str) -> dict[str, int]:
    """Return the number of mails of a run in each state of the outbox; ``purged`` ones have been deleted.

    Args:
        run: the id of a run.
    """
    return runs.counts_of(f"{run}/")


_LONGEST_RUN: Final = 150
_LONGEST_KEY: Final = 40


def _key(value: object) -> str:
    text = str(value)
    if not 0 < len(text) <= _LONGEST_KEY or not text.isprintable():
        raise refused("The key of an item", value, f"1 to {_LONGEST_KEY} printable characters")
    return text


def _hash(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:_LONGEST_KEY]
